"""Reading files into records: RDF in any syntax, and tables (CSV).

found          what a file holds: one record and its problems
files          which reader a file needs
stated_type    which record type an author means
rdf            statements grouped into records
naming         fragment names for the parts of a record, as the declaration gives them
rows           cells of a CSV file, by column and line
table          rows made records
compared       records of one import beside each other, and beside what is published
draft          the values of one row while its columns are read
quantities     figures written in words
relations      links between rows written in words

Reads; publishes nothing.
"""
