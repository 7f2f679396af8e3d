select * from marts.contact_role_tags where contact_id = $contact_id
