"""The live origin: the agencies' own sites, as each source's YAML describes them.

run looks at one source or at all; socrata, document_page and plain_file know a kind of site each; client,
download, pace, retry and robots are how we behave towards any site; state is what one look leaves for the next.
"""
