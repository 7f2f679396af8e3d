{{ config(alias='crm__contacts') }}

{{ quarantine_of('crm', 'contacts') }}
