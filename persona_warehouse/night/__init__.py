"""The night: its steps, and running them through Airflow."""
