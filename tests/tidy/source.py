"""What tidy reads: files with their code, comments and functions told apart; folders."""

import os
import re

SUFFIXES = (".c", ".h", ".cc", ".py", ".md", ".mk", ".proto", ".sh")
SKIPPED_FOLDERS = {"data", "__pycache__", ".deps", ".libs"}
GENERATED = re.compile(r"\.pb-c\.[ch]$|(^|/)\.dirstamp$")

# One alternative each: comment, line comment, string, character.
TOKEN = re.compile(
    r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL
)


def blank(text):
    """The same lines with nothing on them."""
    return re.sub(r"[^\n]", " ", text)


class File:
    """One text file. Paths are relative to the root, with '/'."""

    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.lines = text.split("\n")
        if self.lines and self.lines[-1] == "":
            self.lines.pop()
        self.is_c = path.endswith((".c", ".h", ".cc"))
        self.is_code = self.is_c or path.endswith(".py")
        self.comments = []  # (line of each piece, text)
        self.code_lines = self.lines
        if self.is_c:
            self.code_lines = TOKEN.sub(self._take, text).split("\n")

    def _take(self, m):
        token = m.group(0)
        if token[0] == "/":
            first = self.text.count("\n", 0, m.start()) + 1
            for offset, line in enumerate(token.split("\n")):
                self.comments.append((first + offset, line))
            return blank(token)
        return token[0] + blank(token[1:-1]) + token[-1]

    def functions(self):
        """(name, first line, last line), by the house form: braces in the first column."""
        start = None
        for number, line in enumerate(self.code_lines, 1):
            line = line.rstrip()
            if line == "{":
                start = number
            elif line == "}" and start:
                name, first = self._header(start)
                yield name, first, number
                start = None

    def _header(self, brace):
        """The name of the function whose '{' is on line `brace`, and the line it stands on."""
        for number in range(brace - 1, max(brace - 12, 0), -1):
            m = re.match(r"(?:[A-Za-z_][\w \*]*[ \*])?(\w+)\s*\(", self.code_lines[number - 1])
            if m:
                return m.group(1), number
        return "?", brace


class Tree:
    """The files below a root."""

    def __init__(self, files):
        self.files = files  # path -> File

    def folders(self):
        return sorted({os.path.dirname(path) for path in self.files})

    def names(self, folder):
        """Names directly in `folder`, sorted."""
        return sorted(
            os.path.basename(path) for path in self.files if os.path.dirname(path) == folder
        )


def read_tree(root, folders):
    """Everything we wrote in these folders of the root (not data, not what a build made)."""
    files = {}
    for folder in folders:
        for where, subfolders, names in os.walk(os.path.join(root, folder)):
            subfolders[:] = sorted(d for d in subfolders if d not in SKIPPED_FOLDERS)
            for name in names:
                path = os.path.relpath(os.path.join(where, name), root).replace(os.sep, "/")
                if name.endswith(SUFFIXES) and not GENERATED.search(path):
                    with open(os.path.join(where, name), encoding="utf-8") as f:
                        files[path] = File(path, f.read())
    return Tree(files)
