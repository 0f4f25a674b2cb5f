"""What viewers of notebooks do with an output, and what a reader there misses.

    complaints(name, notebook)                   the viewers that can be computed
    lab_complaints(name, notebook, shown, who)   JupyterLab, from what its page shows

A complaint is one line: notebook, cell, viewer, rule. The viewers:

    text/plain        a terminal, or VS Code where a notebook is not trusted: text alone tells the result
    VS Code           image/png and text/plain; the text of the bundle is the picture's alternative
    GitHub            HTML without style, script, SVG and ids
    nbconvert         --to html: prefers html, then svg, then png; a picture without alt is said to have no description
    nbconvert --sanitize-html    keeps few elements and prints the tags of all others as text
    JupyterLab        trusted and running, and a stored notebook that is not trusted, whose HTML is sanitised
"""

import re

import bleach
from bs4 import BeautifulSoup
from nbconvert import HTMLExporter

# What GitHub leaves in HTML (github/markup, "sanitization"; the tags of html-pipeline's allow list).
GITHUB_TAGS = set(
    "h1 h2 h3 h4 h5 h6 br b i strong em a pre code img tt div ins del sup sub p picture ol ul table thead tbody tfoot blockquote dl dt "
    "dd kbd q samp var hr ruby rt rp li tr td th s strike summary details caption figure figcaption abbr bdo cite dfn mark small "
    "source span time wbr".split()
)
GITHUB_ATTRIBUTES = {"*": ["align", "alt", "border", "colspan", "rowspan", "height", "width", "open", "title", "valign"], "a": ["href"], "img": ["src"]}

# Tags that nbconvert --sanitize-html prints of a good output: <tbody> is put into each table by its parser, and a receipt is folded.
SANITISED_LEFTOVERS = {"tbody", "details", "summary"}

NO_DESCRIPTION = "No description has been provided for this image"  # nbconvert, in the place of a missing alt


def squeeze(text):
    return " ".join(text.split())


def bundles(notebook):
    """Each code cell that has outputs, as what names it and the list of its outputs."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.outputs:
            first = cell.source.splitlines()[0]
            yield f"cell [{cell.execution_count}] {first[:60]!r}", cell.outputs


def values(html):
    """The cells of the tables that hold figures, without what is folded away."""
    soup = BeautifulSoup(html, "html.parser")
    for folded in soup.find_all("details"):
        folded.decompose()
    return [squeeze(td.get_text()) for td in soup.find_all(["td", "th"]) if re.search(r"\d", td.get_text())]


def is_caption(outputs, i):
    """Whether output i is the caption of the picture before it."""
    return i > 0 and "image/png" in outputs[i - 1].get("data", {}) and caption(outputs, i - 1) is not None


def caption(outputs, i):
    """The caption that stands below picture i; None where there is none."""
    if i + 1 < len(outputs):
        data = outputs[i + 1].get("data", {})
        text = BeautifulSoup(data.get("text/html", ""), "html.parser").get_text()
        if data.get("text/plain") == "" and squeeze(text) == squeeze(outputs[i].data["text/plain"]):
            return text
    return None


def complaints(name, notebook):
    """What readers of the executed notebook miss, one line each."""
    found = []
    for where, outputs in bundles(notebook):
        for i, out in enumerate(outputs):
            if "data" in out:
                found += [f"{name}, {where}, output {i + 1}, {problem}" for problem in problems(outputs, i)]
    found += [f"{name}, {problem}" for problem in page_problems(notebook, sanitize=False)]
    found += [f"{name}, {problem}" for problem in page_problems(notebook, sanitize=True)]
    if "widgets" in notebook.metadata:
        found.append(f"{name}, GitHub: widget metadata can make the whole notebook invalid")
    return found


def problems(outputs, i):
    """The viewers that show one output at a time."""
    data, metadata = outputs[i].data, outputs[i].metadata
    text, html = data.get("text/plain"), data.get("text/html", "")
    if text is None:
        return ["text/plain: there is none"]
    found = []
    if not text.strip() and not is_caption(outputs, i):
        found.append("text/plain: it is empty")
    for value in values(html):
        if value not in squeeze(text):
            found.append(f"text/plain: the figure {value!r} of the table is not in it")
    if "image/png" in data:
        if not re.match(r"\S+ \S+.*", text) or re.match(r"\W*\w+\.\w+\b", text):
            found.append(f"VS Code: {text!r} is no alternative text for a picture")
        if metadata.get("image/png", {}).get("alt") != text:
            found.append(f"metadata: the alt of the picture is not its text/plain {text!r}")
        if html:
            found.append("GitHub: a picture with HTML beside it is not shown")
    elif any(mime.startswith("image/") for mime in data):
        found.append(f"VS Code: no image/png beside {sorted(data)}")
    if html:
        found += github_problems(html)
    return found


def github_problems(html):
    found = [f"GitHub: <{tag}> is dropped" for tag in re.findall(r"<(script|style|svg|iframe|progress|meter|font|canvas)\b", html, re.I)]
    found += [f"GitHub: the attribute {a} is dropped" for a in re.findall(r"<[^>]*\s(style|id|class|on\w+|bgcolor)=", html, re.I)]
    left = bleach.clean(html, tags=GITHUB_TAGS, attributes=GITHUB_ATTRIBUTES, strip=True)
    before, after = (BeautifulSoup(h, "html.parser") for h in (html, left))
    if squeeze(before.get_text()) != squeeze(after.get_text()):
        found.append("GitHub: the sanitiser takes away text")
    if len(before.find_all("td")) != len(after.find_all("td")):
        found.append("GitHub: the sanitiser takes away cells of a table")
    return found


def page_problems(notebook, sanitize):
    """The page that nbconvert makes of the whole notebook."""
    viewer = "nbconvert --sanitize-html" if sanitize else "nbconvert"
    page, _ = HTMLExporter(sanitize_html=sanitize, embed_images=True).from_notebook_node(notebook)
    soup = BeautifulSoup(page, "html.parser")
    areas = [cell.select(".jp-OutputArea-child") for cell in soup.select(".jp-CodeCell") if cell.select(".jp-OutputArea-child")]
    cells = list(bundles(notebook))
    if len(areas) != len(cells):
        return [f"{viewer}: {len(areas)} cells with outputs on the page, and {len(cells)} in the notebook"]
    found = []
    for (where, outputs), shown in zip(cells, areas, strict=True):
        if len(shown) != len(outputs):
            found.append(f"{where}, {viewer}: {len(shown)} outputs on the page, and {len(outputs)} in the notebook")
            continue
        for i, out in enumerate(outputs):
            texts = [squeeze(node.get_text()) for node in shown]
            images = [(image.get("src", ""), image.get("alt", "")) for image in shown[i].find_all("img")]
            found += [f"{where}, output {i + 1}, {viewer}: {p}" for p in shown_problems(outputs, i, texts, images)]
            if sanitize:
                left = set(re.findall(r"</?(\w+)[^>]*>", texts[i])) if "text/html" in out.get("data", {}) else set()
                found += [f"{where}, output {i + 1}, {viewer}: <{tag}> stands there as text" for tag in sorted(left - SANITISED_LEFTOVERS)]
    return found


def shown_problems(outputs, i, texts, images):
    """What is missing of output i on a page that shows the given texts, one an output, and of this output the images (src, alt)."""
    found = []
    data = outputs[i].get("data", {})
    for value in values(data.get("text/html", "")):
        if value not in texts[i]:
            found.append(f"the figure {value!r} is not there")
    if "image/png" in data:
        if len(images) != 1 or not images[0][0].startswith("data:image/png;base64,"):
            found.append("the picture is not there")
        elif images[0][1] in ("", NO_DESCRIPTION) and (caption(outputs, i) is None or squeeze(caption(outputs, i)) != texts[i + 1]):
            found.append("the picture has neither an alt nor a caption below it")
    return found


# What a page of JupyterLab shows: for each code cell with outputs its outputs, each with its text and its images.
LAB_SHOWS = """
nb().content.widgets.filter(c => c.model.type === 'code' && c.model.outputs.length).map(c =>
  [...c.node.querySelectorAll('.jp-OutputArea-child')].map(o => ({
    text: o.querySelector('.jp-OutputArea-output')?.innerText ?? '',
    images: [...o.querySelectorAll('img')].map(i => [i.src.slice(0, 40), i.alt, i.naturalWidth, i.getBoundingClientRect().right]),
    wide: o.querySelector('.jp-OutputArea-output')?.getBoundingClientRect().right ?? 0,
  })))
"""


def lab_complaints(name, notebook, shown, viewer):
    """What a reader in JupyterLab misses; shown is LAB_SHOWS of its page."""
    cells = list(bundles(notebook))
    if len(shown) != len(cells):
        return [f"{name}, {viewer}: {len(shown)} cells with outputs on the page, and {len(cells)} in the notebook"]
    found = []
    for (where, outputs), on_page in zip(cells, shown, strict=True):
        if len(on_page) != len(outputs):
            found.append(f"{name}, {where}, {viewer}: {len(on_page)} outputs on the page, and {len(outputs)} in the notebook")
            continue
        texts = [squeeze(o["text"]) for o in on_page]
        for i, out in enumerate(outputs):
            images = [(src, alt) for src, alt, _, _ in on_page[i]["images"]]
            missing = shown_problems(outputs, i, texts, images)
            missing += ["the picture does not load" for _, _, width, _ in on_page[i]["images"] if not width]
            missing += ["the picture is wider than its cell" for _, _, _, right in on_page[i]["images"] if right > on_page[i]["wide"] + 1]
            if out.output_type == "stream" and squeeze(re.sub(r"\x1b\[[\d;]*m", "", out.text)) != texts[i]:
                missing.append("the text is not what was printed")
            found += [f"{name}, {where}, output {i + 1}, {viewer}: {m}" for m in missing]
    return found
