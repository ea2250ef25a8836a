"""The commands in the documents: in blocks of `sh`, and in the text between backticks."""

import re
import shlex
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAMS = {"aws", "sam", "docker", "make"}
NOT_OURS = {"target", "node_modules"}
# Settings before a command, as in `CHROMIUM=… make test-browser`.
SETTING = re.compile(r"^[A-Z_]+=\S*$")


def documents():
    """All Markdown files, and what else tells people to type something."""
    for path in sorted(REPOSITORY.rglob("*")):
        inside = path.relative_to(REPOSITORY).parts
        if any(part in NOT_OURS or (part.startswith(".") and part != ".github") for part in inside):
            continue
        if path.suffix in {".md", ".yml"} or path.name in {"template.yaml", "samconfig.toml"}:
            yield path


def blocks(text):
    """The blocks of shell commands, without the indentation that those of a list have."""
    for indent, body in re.findall(r"^( *)```sh\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE):
        yield "".join(line.removeprefix(indent) for line in body.splitlines(keepends=True))


def in_prose(text):
    """What stands between backticks outside of blocks."""
    outside = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)
    pieces = re.findall(r"`([^`]+)`", outside)
    return [piece for piece in pieces if SETTING.sub("", piece.split(" ", 1)[0]) in PROGRAMS or " make " in piece]


def split(text):
    """The commands of some shell text, each as its words. Those inside of `$(…)` come out as well."""
    text = text.replace("\\\n", " ")
    for inner in _substitutions(text):
        yield from split(inner)
    text = _without_comments(text)
    words, lexer = [], shlex.shlex(text, posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t", True, ""
    for word in lexer:
        if set(word) <= set("();<>|&\n"):
            yield from _command(words)
            words = []
        else:
            words.append(word)
    yield from _command(words)


def _without_comments(text):
    kept, quote, is_comment = [], "", False
    for before, character in zip(" " + text, text):
        if character == "\n":
            is_comment = False
        elif not is_comment and character in "'\"" and quote in ("", character):
            quote = "" if quote else character
        elif character == "#" and not quote and before.isspace():
            is_comment = True
        if not is_comment:
            kept.append(character)
    return "".join(kept)


def _substitutions(text):
    depth, start = 0, 0
    for at, character in enumerate(text):
        if character == "(" and (depth or text[at - 1 : at] == "$"):
            depth, start = depth + 1, start if depth else at + 1
        elif character == ")" and depth:
            depth -= 1
            if not depth:
                yield text[start:at]


def _command(words):
    while words and (SETTING.match(words[0]) or words[0] in {"do", "then", "!", "{", "else"}):
        words = words[1:]
    if words and words[0] in PROGRAMS and len(words) > 1:
        yield words


def all_commands():
    """Each command of the documents once, as its words, with the document that has it first."""
    found = {}
    for path in documents():
        text = path.read_text()
        pieces = [*blocks(text), *in_prose(text)] if path.suffix == ".md" else in_prose(text)
        if path.suffix == ".yml":
            pieces += re.findall(r"run: (make .*)$", text, re.MULTILINE)
        for piece in pieces:
            for words in split(piece):
                found.setdefault(tuple(words), path.relative_to(REPOSITORY))
    return sorted(found.items())
