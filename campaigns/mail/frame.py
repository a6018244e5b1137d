"""The head of every mail that we write: its letters, its colours, and what becomes of them in the dark.

Outlook on Windows prints Times where it knows not the first font of a list, so that it is given Arial by a note that
only it reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

HEAD: Final = """\
  <mj-head>
    <mj-title>{{ shop.name }}</mj-title>
    <mj-raw>
      <meta name="color-scheme" content="light dark" />
      <meta name="supported-color-schemes" content="light dark" />
      <!--[if mso]><style>body, div, td, th, a, span, b { font-family: Arial, Helvetica, sans-serif !important; }</style><![endif]-->
    </mj-raw>
    <mj-attributes>
      <mj-all font-family="'Plus Jakarta Sans', system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif" />
      <mj-text font-size="16px" line-height="1.5" color="#1F2430" padding="0 32px 16px" />
      <mj-section padding="0" background-color="#FFFFFF" css-class="surface" />
    </mj-attributes>
    <mj-style>
      a { color: #0F6E63; }
      .code { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 26px; font-weight: 700; line-height: 1.3;
        letter-spacing: 2px; color: #0F6E63; word-break: break-all; }
      .score { border: 1px solid #8A8F99; border-radius: 8px; text-decoration: none; }
      @media (max-width: 479px) { .wide div { font-size: 22px !important; } }
      @media (prefers-color-scheme: dark) {
        body, .ground, .ground > table, .box, .box table { background-color: #14171F !important; }
        .surface, .surface > table { background-color: #1C2029 !important; }
        .ink div, .ink b { color: #F2EFE9 !important; }
        .muted div, .muted b { color: #A6ADBA !important; }
        .accent div, .code, .surface a, .ground a { color: #62CBA8 !important; }
        .surface .pass a { color: #FFFFFF !important; }
        .box, .box td { background-color: #14171F !important; border-color: #62CBA8 !important; }
        .button td { background-color: #62CBA8 !important; }
        .button a { background-color: #62CBA8 !important; color: #14171F !important; }
        .done { background-color: #39404F !important; color: #F2EFE9 !important; }
        .ahead { background-color: #252A35 !important; color: #A6ADBA !important; }
        .line p { border-color: #39404F !important; }
      }
    </mj-style>
  </mj-head>
"""  # noqa: E501 - one element of the mail stays on one line

_UNSAID: Final = ("suspect", "prospect", "pre_sales")


def stand(words: Mapping[str, str]) -> str:
    """Where the reader stands, of ``words`` (``stand``, ``next``, ``new``).

    What a shop calls people before their first order is its own business: nobody likes to read that they are a suspect.
    """
    told = f"{words['stand']} {{% if rung.next_name %}}{words['next']}{{% endif %}}"
    unsaid = " or ".join(f'rung.key == "{key}"' for key in _UNSAID)
    return f"{{% if {unsaid} %}}{words['new']}{{% else %}}{told}{{% endif %}}"
