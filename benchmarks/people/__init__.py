"""Two web processes, two workers, PostgreSQL and Valkey on one machine, and many people in front.

python -m benchmarks.people [--people 2000] [--minutes 10] [--keep]
"""
