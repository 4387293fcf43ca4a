"""`python -m docs.generate`: writes docs/reference; what is not generated any more goes."""

from __future__ import annotations

from docs.generate.pages import REFERENCE, pages


def main() -> None:
    """Write every page."""
    made = pages()
    for name, text in made.items():
        (REFERENCE / name).parent.mkdir(parents=True, exist_ok=True)
        (REFERENCE / name).write_text(text, encoding="utf-8")
    for path in REFERENCE.rglob("*.md"):
        if path.relative_to(REFERENCE).as_posix() not in made:
            path.unlink()
    print(f"wrote {len(made)} pages under {REFERENCE}")


if __name__ == "__main__":
    main()
