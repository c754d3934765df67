"""A server on loopback that speaks Bolt 5.0, as far as a driver needs it to ask; what it answers is a function."""

import contextlib
import socket
import struct
import threading

HELLO, GOODBYE, RESET, RUN, BEGIN, COMMIT, ROLLBACK, PULL = 0x01, 0x02, 0x0F, 0x10, 0x11, 0x12, 0x13, 0x3F
SUCCESS, RECORD, IGNORED, FAILURE = 0x70, 0x71, 0x7E, 0x7F


class Structure(tuple):
    """A node (``0x4E``) or a relation (``0x52``): its tag, then its fields."""


def node(number, label, properties):
    return Structure((0x4E, number, [label], properties, str(number)))


def relation(number, ends, kind, properties):
    start, end = ends
    return Structure((0x52, number, start, end, kind, properties, str(number), str(start), str(end)))


def packed(value):
    if value is None or isinstance(value, bool):
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[value]
    if isinstance(value, int):
        return b"\xcb" + struct.pack(">q", value)
    if isinstance(value, float):
        return b"\xc1" + struct.pack(">d", value)
    if isinstance(value, str):
        return b"\xd2" + struct.pack(">I", len(value.encode())) + value.encode()
    if isinstance(value, Structure):
        return bytes([0xB0 + len(value) - 1, value[0]]) + b"".join(map(packed, value[1:]))
    if isinstance(value, (list, tuple)):
        return b"\xd6" + struct.pack(">I", len(value)) + b"".join(map(packed, value))
    pairs = b"".join(packed(key) + packed(each) for key, each in value.items())
    return b"\xda" + struct.pack(">I", len(value)) + pairs


class _Unpacker:
    def __init__(self, content):
        self._content, self._at = content, 0

    def _take(self, length):
        taken = self._content[self._at : self._at + length]
        self._at += length
        return taken

    def _size(self, marker, first):
        width = 1 << (marker - first)
        return int.from_bytes(self._take(width), "big")

    def value(self):
        marker = self._take(1)[0]
        if marker < 0x80 or marker >= 0xF0:
            return marker - 256 if marker >= 0xF0 else marker
        if marker in (0xC0, 0xC2, 0xC3):
            return {0xC0: None, 0xC2: False, 0xC3: True}[marker]
        if marker == 0xC1:
            return struct.unpack(">d", self._take(8))[0]
        if 0xC8 <= marker <= 0xCB:
            return int.from_bytes(self._take(1 << (marker - 0xC8)), "big", signed=True)
        if 0x80 <= marker < 0x90 or 0xD0 <= marker <= 0xD2:
            size = marker - 0x80 if marker < 0x90 else self._size(marker, 0xD0)
            return self._take(size).decode()
        if 0x90 <= marker < 0xA0 or 0xD4 <= marker <= 0xD6:
            size = marker - 0x90 if marker < 0xA0 else self._size(marker, 0xD4)
            return [self.value() for _ in range(size)]
        if 0xA0 <= marker < 0xB0 or 0xD8 <= marker <= 0xDA:
            size = marker - 0xA0 if marker < 0xB0 else self._size(marker, 0xD8)
            return {self.value(): self.value() for _ in range(size)}
        tag = self._take(1)[0]
        return Structure((tag, *(self.value() for _ in range(marker - 0xB0))))


class BoltServer:
    """Answers each ``RUN`` with what ``answer(query, parameters)`` returns: fields and rows, or a failure's code.

    Attributes:
        asked: The messages so far, as a name with what it holds.
    """

    def __init__(self, answer):
        self._answer = answer
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.uri = f"bolt://127.0.0.1:{self._listening.getsockname()[1]}"
        self.asked = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._serve, args=(connection,), daemon=True))
            self._threads[-1].start()

    def _serve(self, connection):
        with connection, connection.makefile("rb") as read:
            read.read(20)
            connection.sendall(b"\x00\x00\x00\x05")
            pending, failed = ([], []), False
            while (message := self._message(read)) is not None:
                tag, *fields = message
                if tag == GOODBYE:
                    return
                if tag == RESET:
                    failed = False
                if failed:
                    self._send(connection, IGNORED)
                    continue
                if tag == HELLO:
                    self._send(connection, SUCCESS, {"server": "Neo4j/5.26.0", "connection_id": "bolt-1", "hints": {}})
                elif tag == RUN:
                    self.asked.append(("run", fields[0], fields[1]))
                    pending = self._answer(fields[0], fields[1])
                    if isinstance(pending, str):
                        failed = True
                        self._send(connection, FAILURE, {"code": pending, "message": "it failed"})
                    else:
                        self._send(connection, SUCCESS, {"fields": pending[0], "t_first": 0})
                elif tag == PULL:
                    rows, most = pending[1], fields[0]["n"]
                    sent, rest = (rows, []) if most < 0 else (rows[:most], rows[most:])
                    pending = (pending[0], rest)
                    for row in sent:
                        self._send(connection, RECORD, row)
                    self._send(connection, SUCCESS, {"has_more": True} if rest else {"type": "r", "db": "neo4j"})
                else:
                    self.asked.append((tag, fields))
                    self._send(connection, SUCCESS, {"bookmark": "b"} if tag == COMMIT else {})

    @staticmethod
    def _message(read):
        content = b""
        while True:
            head = read.read(2)
            if len(head) < 2:
                return None
            (size,) = struct.unpack(">H", head)
            if size:
                content += read.read(size)
            elif content:
                return _Unpacker(content).value()

    @staticmethod
    def _send(connection, tag, *fields):
        content = packed(Structure((tag, *fields)))
        chunks = [content[at : at + 60_000] for at in range(0, len(content), 60_000)]
        connection.sendall(b"".join(struct.pack(">H", len(chunk)) + chunk for chunk in chunks) + b"\x00\x00")
