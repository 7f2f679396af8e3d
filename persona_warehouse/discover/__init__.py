"""A folder of exports to a sources file: what each file is, what each column is, by names and by values.

`look` reads the files, `profile` says what their values are like, `guess` decides, `write` makes the file, `commands`
asks and shows.
"""
