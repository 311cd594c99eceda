"""What a server's frames become."""

from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from throttle_client._websocket import SUBPROTOCOL, WebSocket


def test_a_text_in_fragments_is_one_text() -> None:
    one, server = WebSocket("ws://localhost/ws"), ServerProtocol(subprotocols=[Subprotocol(SUBPROTOCOL)])
    server.receive_data(one.outgoing())
    (request,) = server.events_received()
    server.send_response(server.accept(request))  # type: ignore[arg-type]
    assert one.receive(b"".join(server.data_to_send())) == []

    euro = "\N{EURO SIGN}".encode()
    server.send_text(euro[:1], fin=False)
    server.send_ping(b"?")
    server.send_continuation(euro[1:], fin=False)
    assert one.receive(b"".join(server.data_to_send())) == []
    server.send_continuation(b"!", fin=True)
    server.send_text(b"next")
    assert one.receive(b"".join(server.data_to_send())) == ["\N{EURO SIGN}!", "next"]
    assert one.outgoing(), "the ping is answered"
