"""Who is who: source records to companies and persons, by hard keys, with ids that last."""
