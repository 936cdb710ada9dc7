"""Sends the requests of a session by http.client: python3 client.py < session > answers"""
import hashlib
import http.client
import json
import socket
import sys

PIECE = 60000  # bytes of a chunk


def pieces(body):
    for at in range(0, len(body), PIECE):
        yield body[at:at + PIECE]


def send_body(connection, request, body):
    """Sends a body as http.client would; trailers are not its business."""
    if not request["chunked"]:
        connection.send(body)
        return
    for part in pieces(body):
        connection.send(b"%x\r\n%b\r\n" % (len(part), part))
    lines = "".join(f"{name}: {value}\r\n" for name, value in request["trailers"] or [])
    connection.send(b"0\r\n" + lines.encode() + b"\r\n")


def one(connection, request, content, answer):
    fields = dict(request["fields"] or [])
    body = None if request["size"] < 0 else content[:request["size"]]
    by_hand = request["expect"] or request["trailers"]
    if not by_hand:
        chunks = pieces(body) if request["chunked"] else body
        if request["chunked"]:
            fields["Transfer-Encoding"] = "chunked"
        connection.request(request["method"], request["path"], chunks, fields, encode_chunked=request["chunked"])
        answer["sent"] = len(body or b"")
    else:
        connection.putrequest(request["method"], request["path"])
        if request["chunked"]:
            fields["Transfer-Encoding"] = "chunked"
        else:
            fields["Content-Length"] = str(len(body))
        if request["expect"]:
            fields["Expect"] = "100-continue"
        for name, value in fields.items():
            connection.putheader(name, value)
        connection.endheaders()
        if request["expect"]:
            # getresponse() will skip the 100 that is only looked at here.
            begin = connection.sock.recv(12, socket.MSG_PEEK | socket.MSG_WAITALL)
            if begin == b"HTTP/1.1 100":
                answer["informed"].append(100)
        if not request["expect"] or answer["informed"]:
            send_body(connection, request, body)
            answer["sent"] = len(body)
    response = connection.getresponse()
    data = response.read()
    answer["status"] = response.status
    answer["fields"] = response.getheaders()
    answer["length"] = len(data)
    answer["sha256"] = hashlib.sha256(data).hexdigest()
    answer["text"] = data.decode("latin-1") if len(data) <= session["short"] else ""
    if request["expect"] and not answer["informed"]:
        connection.close()  # the body was not wanted


session = json.load(sys.stdin)
with open(session["content"], "rb") as file:
    everything = file.read()
connection = http.client.HTTPConnection(session["host"], int(session["port"]), timeout=40)
if session["version10"]:
    connection._http_vsn, connection._http_vsn_str = 10, "HTTP/1.0"
answers = []
for request in session["requests"]:
    answer = {"informed": [], "sent": 0}
    try:
        one(connection, request, everything, answer)
    except (OSError, http.client.HTTPException) as error:
        answer["error"] = repr(error)
        connection.close()
    answers.append(answer)
connection.close()
json.dump(answers, sys.stdout)
