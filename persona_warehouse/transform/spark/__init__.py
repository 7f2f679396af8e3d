"""The models on Spark, past one machine: docs/how-to/run-on-spark.md.

Python's own steps (who is who, audits, publishing) stay with DuckDB. What they make goes to Spark as Parquet, and what
Spark makes they read as views on its files.
"""
