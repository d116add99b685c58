"""Shared parts of the sample tasks: the database, and a simple finder of names."""

import os
import re
import sqlite3

NAME = re.compile(r"(?<![.!?] )(?<!^)\b[A-Z][a-z]+(?: [A-Z][a-z]+)*")


def connect():
    """Opens the posts database, whose URL Weir gives to every process of jobs."""
    url = os.environ["WEIR_DATABASE_URL"]
    if url.startswith("sqlite:"):
        return sqlite3.connect(url.split("?")[0][len("sqlite://") :])
    import psycopg2

    return psycopg2.connect(url)


def named_entities(text):
    """Capitalised words that do not begin a sentence; a library for it, such as NLTK or spaCy, goes here."""
    return NAME.findall(text)
