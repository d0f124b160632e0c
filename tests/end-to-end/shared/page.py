"""The data in a page that sslc made (sslc report, sslc explain), by Python's html.parser: a reader that sslc did not write."""
import html.parser
import json
import re

OUTSIDE = r"https?:|(src|href)\s*=\s*\"(?!data:)|@import|url\((?!\$\{)"


def page(path):
    text = open(path, encoding="utf-8").read()
    assert len(text.encode()) < 2_000_000, "too large"
    assert not re.search(OUTSIDE, text), "refers to something outside"
    found = []

    class Reader(html.parser.HTMLParser):
        inside = False

        def handle_starttag(self, tag, attributes):
            self.inside = tag == "script" and dict(attributes).get("id") == "data"

        def handle_data(self, data):
            if self.inside:
                found.append(data)

    Reader().feed(text)
    return json.loads("".join(found))
