"""The named SQL: queries over the tables, the views of an audit, its macros and its named queries."""
