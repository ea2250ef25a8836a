"""A server of mail for the tests: it takes what it is sent, or does not, as the recipient's address says.

    python server.py FOLDER [PORT]

It prints its port, and writes each mail that it took into FOLDER, named by its number. An address like `later-2-ada@…` is asked
to come back twice, `never-…` is refused for good, `busy-…` is answered after 60 s, and to `dies-1-…` the connection breaks off
once when the mail is sent. It ends with its standard input.
"""

import asyncio
import pathlib
import re
import sys
from collections import Counter

from aiosmtpd.smtp import SMTP


class Takes:
    def __init__(self, folder):
        self.folder = folder
        self.taken = len(list(folder.iterdir()))
        self.tries = Counter()

    def is_once_more(self, address, word):
        """Whether an address that has this word and a number before it was tried that often at most, this time among it."""
        times = re.match(rf"{word}-(\d+)-", address)
        self.tries[word, address] += 1
        return times is not None and self.tries[word, address] <= int(times[1])

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("never-"):
            return "550 5.1.1 nobody is called so here"
        if self.is_once_more(address, "later"):
            return "451 4.7.1 greylisted: come again"
        if address.startswith("busy-"):
            await asyncio.sleep(60)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        for address in envelope.rcpt_tos:
            if self.is_once_more(address, "dies"):
                server.transport.abort()
                return "451 gone"
        self.taken += 1
        part = self.folder / f".{self.taken}"
        part.write_bytes(envelope.content)
        # Whoever looks sees whole mails.
        part.rename(self.folder / f"{self.taken:06}-{envelope.rcpt_tos[0]}.eml")
        return "250 2.0.0 taken"


async def serve(folder, port):
    takes = Takes(folder)
    made = lambda: SMTP(takes, hostname="mail.test", enable_SMTPUTF8=True, data_size_limit=1_000_000)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(made, "127.0.0.1", port)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(pathlib.Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
