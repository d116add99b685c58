"""The raw rate of each database: `load_reference.py ROWS.db TARGET.db|postgres://URL [--indexes-last]`.

Reads the rows of `posts` in ROWS.db into memory, then times nothing but loading them: `executemany` into SQLite, COPY
into Postgres, both into an empty table in one transaction, with the indexes from the start and with the indexes last.
Prints the seconds of both ways, or of the last alone.
"""

import io
import os
import sqlite3
import sys
import time

COLUMNS = "post_id, session_timestamp, session_user_id, platform, type, author_name_hash, created_at, post_blob"
INDEXES = [f"CREATE INDEX raw_{column} ON raw_posts ({column})" for column in ("created_at", "post_id", "session_user_id")]
SQLITE_TABLE = """CREATE TABLE raw_posts (id INTEGER PRIMARY KEY AUTOINCREMENT, post_id TEXT, session_timestamp TIMESTAMP,
    session_user_id TEXT, platform TEXT, type TEXT, author_name_hash TEXT, created_at TIMESTAMP, post_blob TEXT)"""
POSTGRES_TABLE = """CREATE TABLE raw_posts (id SERIAL PRIMARY KEY, post_id TEXT, session_timestamp TIMESTAMPTZ,
    session_user_id TEXT, platform TEXT, type TEXT, author_name_hash TEXT, created_at TIMESTAMPTZ, post_blob JSONB)"""


def to_sqlite(rows, path, indexes_last):
    if os.path.exists(path):
        os.remove(path)
    connection = sqlite3.connect(path)
    connection.execute(SQLITE_TABLE)
    began = time.perf_counter()
    if not indexes_last:
        for index in INDEXES:
            connection.execute(index)
    marks = ", ".join("?" * 8)
    connection.executemany(f"INSERT INTO raw_posts ({COLUMNS}) VALUES ({marks})", rows)
    if indexes_last:
        for index in INDEXES:
            connection.execute(index)
    connection.commit()
    took = time.perf_counter() - began
    connection.close()
    os.remove(path)
    return took


def copy_text(rows):
    def field(value):
        return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")

    return "".join("\t".join(map(field, row)) + "\n" for row in rows)


def to_postgres(text, url, indexes_last):
    import psycopg2

    connection = psycopg2.connect(url)
    cursor = connection.cursor()
    cursor.execute("DROP TABLE IF EXISTS raw_posts")
    cursor.execute(POSTGRES_TABLE)
    connection.commit()
    began = time.perf_counter()
    if not indexes_last:
        for index in INDEXES:
            cursor.execute(index)
    cursor.copy_expert(f"COPY raw_posts ({COLUMNS}) FROM STDIN", io.StringIO(text))
    if indexes_last:
        for index in INDEXES:
            cursor.execute(index)
    connection.commit()
    took = time.perf_counter() - began
    cursor.execute("DROP TABLE raw_posts")
    connection.commit()
    connection.close()
    return took


def main():
    source, target, *flags = sys.argv[1:]
    ways = (True,) if flags == ["--indexes-last"] else (False, True)
    rows = sqlite3.connect(source).execute(f"SELECT {COLUMNS} FROM posts ORDER BY id").fetchall()
    if target.startswith("postgres"):
        text = copy_text(rows)
        seconds = [to_postgres(text, target, last) for last in ways]
    else:
        seconds = [to_sqlite(rows, target, last) for last in ways]
    print(*(f"{way:.3f}" for way in seconds))


if __name__ == "__main__":
    main()
