"""The floor under applying feeds. FROZEN: a faster engine must not move it.

Read, hash, parse, validate, and write the rows that the packages leave behind, in batches by the
bare driver. It decides nothing, extracts nothing and asks the database nothing: the rows were made
beforehand, and loading them is counted apart (``aside``, seconds of CPU, to be taken off).
It imports nothing of feedengine; its tables are in ``floor_sqlite.sql`` and ``floor_postgres.sql``.

    python floor_feeds.py DATABASE FEED_FOLDER ROWS_FILE XSD [--logs]

DATABASE is a path (SQLite) or a postgresql:// URL. ``--logs`` writes besides what the protocol
wants beside each package: a log, under another name first, then renamed.
"""

from __future__ import annotations

import gc
import hashlib
import json
import marshal
import os
import sys
import time

from lxml import etree

BATCH = 1000
SHARED = {
    "territory_set",
    "country_group",
    "validity_set",
    "country_group_member",
    "validity",
    "validity_window",
    "territory_part",
}
"""Rows that another package may have brought already."""

LOG = b"%s was applied: %s\n"


class Sqlite:
    """As safe as the engine: WAL, synchronous, foreign keys."""

    def __init__(self, path):
        import sqlite3

        self.connection = sqlite3.connect(path, isolation_level=None)
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "cache_size = -16384",
            "temp_store = MEMORY",
        ):
            self.connection.execute(f"PRAGMA {pragma}")
        self.texts = {}

    def text(self, statement):
        verb, table, columns, keys = statement
        marks = ", ".join("?" * len(columns))
        if verb == "insert":
            ignore = "OR IGNORE " if table in SHARED else ""
            return f"INSERT {ignore}INTO {table} ({', '.join(columns)}) VALUES ({marks})"
        if verb == "update":
            changed = ", ".join(f"{column} = ?" for column in columns)
            return f"UPDATE {table} SET {changed} WHERE {keys[0]} = ?"
        return f"DELETE FROM {table} WHERE {keys[0]} = ? AND {keys[1]} > ?"

    def save(self, batch):
        execute = self.connection.executemany
        self.connection.execute("BEGIN IMMEDIATE")
        for statement, rows in batch:
            if rows:
                text = self.texts.get(statement)
                if text is None:
                    text = self.texts[statement] = self.text(statement)
                execute(text, rows)
        self.connection.execute("COMMIT")

    def close(self):
        self.connection.close()


class Postgres:
    """COPY for new rows, one statement with arrays for what is changed or removed."""

    def __init__(self, url):
        import psycopg

        self.connection = psycopg.connect(url, autocommit=True)
        asked = "SELECT table_name, column_name, udt_name FROM information_schema.columns"
        found = self.connection.execute(asked + " WHERE table_schema = 'public'").fetchall()
        self.types = {(table, column): kind for table, column, kind in found}
        self.texts = {}

    def arrays(self, table, names):
        return ", ".join(f"%s::{self.types[table, name]}[]" for name in names)

    def text(self, statement):
        verb, table, columns, keys = statement
        names = (*columns, *keys)
        if verb == "insert" and table not in SHARED:
            return f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        given = f"unnest({self.arrays(table, names)}) AS given({', '.join(names)})"
        if verb == "insert":
            into = f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM {given}"
            return f"{into} ON CONFLICT DO NOTHING"
        if verb == "update":
            changed = ", ".join(f"{column} = given.{column}" for column in columns)
            where = f"{table}.{keys[0]} = given.{keys[0]}"
            return f"UPDATE {table} SET {changed} FROM {given} WHERE {where}"
        where = f"{table}.{keys[0]} = given.{keys[0]} AND {table}.{keys[1]} > given.{keys[1]}"
        return f"DELETE FROM {table} USING {given} WHERE {where}"

    def save(self, batch):
        with self.connection.transaction(), self.connection.cursor() as cursor:
            for statement, rows in batch:
                if not rows:
                    continue
                text = self.texts.get(statement)
                if text is None:
                    text = self.texts[statement] = self.text(statement)
                if text.startswith("COPY"):
                    with cursor.copy(text) as copy:
                        for row in rows:
                            copy.write_row(row)
                else:
                    cursor.execute(text, [list(column) for column in zip(*rows)])

    def close(self):
        self.connection.close()


def read(path, parser, schema):
    """The SHA-256 of a package that is well-formed and valid."""
    handle = os.open(path, os.O_RDONLY)
    try:
        data = os.read(handle, 1 << 24)
    finally:
        os.close(handle)
    digest = hashlib.sha256(data).hexdigest()
    root = etree.fromstring(data, parser)
    if not schema.validate(root):
        raise ValueError(f"{path}: {schema.error_log.last_error}")
    return digest


def log(path, digest):
    """What stands beside a package, whole or not at all."""
    folder = os.path.dirname(path)
    name = f"{folder}/{time.time_ns() // 1_000_000}.success.log"
    aside = f"{folder}/.log.part"
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    os.write(handle, LOG % (path.encode(), digest.encode()))
    os.close(handle)
    os.rename(aside, name)


def main():
    database, feed, rows_file, xsd, *flags = sys.argv[1:]
    store = Postgres(database) if database.startswith("postgresql:") else Sqlite(database)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=True)
    schema = etree.XMLSchema(etree.parse(xsd))
    gc.disable()
    begun, asking, aside = time.process_time(), time.process_time, 0.0
    names = sorted(os.listdir(f"{feed}/packages"))
    paths = [f"{feed}/packages/{name}/package.xml" for name in names]
    with open(rows_file, "rb") as file:
        before = asking()
        batch = marshal.load(file)
        aside += asking() - before
        store.save(batch)
        for start in range(0, len(paths), BATCH):
            chunk = paths[start : start + BATCH]
            digests = [read(path, parser, schema) for path in chunk]
            before = asking()
            batch = marshal.load(file)
            aside += asking() - before
            store.save(batch)
            if "--logs" in flags:
                for path, digest in zip(chunk, digests):
                    log(path, digest)
    store.close()
    said = {"packages": len(paths), "aside": aside, "cpu": asking() - begun - aside}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
