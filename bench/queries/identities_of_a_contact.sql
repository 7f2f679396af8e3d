select source_system, source_object, source_id, match_method, match_probability
from marts.contact_identities
where contact_id = $contact_id
