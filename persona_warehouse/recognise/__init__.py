"""What people write, recognised: job titles, company names, addresses, person names.

Pure functions over distinct values and the dictionaries in dbt_project/seeds; no database, no clock. Each result says
what it rests on and how sure it is, and says nothing where it does not know.
"""
