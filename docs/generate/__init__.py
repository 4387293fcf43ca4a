"""The reference, generated from the code: commands, Python, tables, what an audit can be asked.

python -m docs.generate
"""
