"""The style sheet of the documentation page: light and dark, from 320 pixels up."""

from typing import Final

STYLE: Final = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1c2024;--muted:#60646c;--line:#e0e3e8;--soft:#f5f6f8;--accent:#2453c6;
--get:#1a7f4e;--post:#2453c6;--delete:#b3261e;--put:#8a5a00;--warn:#8a5a00}
@media (prefers-color-scheme:dark){:root{--bg:#14161a;--fg:#e6e8eb;--muted:#9ba1a9;--line:#2c3037;--soft:#1c1f25;
--accent:#8fb0ff;--get:#5fd39a;--post:#8fb0ff;--delete:#ff9c94;--put:#e5b567;--warn:#e5b567}}
*{box-sizing:border-box}
html{scroll-padding-top:1rem}
body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.55 system-ui,sans-serif;overflow-wrap:anywhere}
a{color:var(--accent);text-decoration:none}a:hover{text-decoration:underline}
a:focus-visible,summary:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}
code,pre,.method,.status{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.875em}
nav{padding:1.25rem 1rem;border-bottom:1px solid var(--line);background:var(--soft);font-size:.875rem}
nav{max-height:45vh;overflow-y:auto}
nav h2{margin:1.25rem 0 .25rem;font-size:.75rem;color:var(--muted);font-weight:600}
nav ul{list-style:none;margin:0;padding:0}
nav li a{display:flex;gap:.6rem;align-items:baseline;padding:.2rem 0;color:var(--fg)}
nav li .method{flex:0 0 3.4rem;font-size:.7rem}
main{padding:1.5rem 1rem 4rem;max-width:60rem;margin:0 auto}
h1{font-size:2rem;line-height:1.2;margin:0 0 .5rem;letter-spacing:-.02em}
.lead{font-size:1.125rem;margin:0 0 .25rem}
.about{color:var(--muted);max-width:44rem;margin:-.5rem 0 1rem}
.muted{color:var(--muted);margin:0}
section>h2{font-size:1.375rem;letter-spacing:-.01em;margin:3rem 0 1rem}
article{border:1px solid var(--line);border-radius:10px;padding:1rem 1.125rem;margin:0 0 1rem}
article:target{border-color:var(--accent)}
h3{display:flex;flex-wrap:wrap;gap:.25rem .75rem;align-items:baseline;font-size:1rem;margin:0}
h3 code{font-size:1rem;font-weight:600;flex:1 1 12rem;min-width:0}
h4{font-size:.8125rem;color:var(--muted);margin:1rem 0 .25rem;font-weight:600}
article>p{margin:.5rem 0}.summary{font-size:1rem}
article>.summary~p{color:var(--muted);font-size:.9375rem}
.method{color:var(--post);font-weight:700}
.method.get{color:var(--get)}.method.delete{color:var(--delete)}.method.put,.method.patch{color:var(--put)}
.access{font-size:.75rem;font-weight:500;color:var(--muted);border:1px solid var(--line);border-radius:99px;
padding:.05rem .6rem;white-space:nowrap}
.access.admin{color:var(--warn);border-color:currentColor}
details{margin-top:.5rem;border-top:1px solid var(--line);padding-top:.5rem}
summary{cursor:pointer;font-weight:600;font-size:.9375rem}
summary span{color:var(--muted);font-weight:400;font-size:.8125rem;margin-left:.35rem}
.fields,.statuses,.schemes{list-style:none;padding:0;margin:.5rem 0}
.fields>li,.statuses>li,.schemes>li{padding:.45rem 0;border-top:1px solid var(--line)}
.fields>li:first-child,.statuses>li:first-child,.schemes>li:first-child{border-top:0}
.fields>li>code{font-weight:600}
.fields p{margin:.1rem 0 0;font-size:.9rem;color:var(--muted)}
.fields details{border:0;margin:.25rem 0 0;padding:0 0 0 .875rem;border-left:2px solid var(--line)}
.fields summary{font-size:.8125rem;font-weight:500;color:var(--accent)}
.type,.statuses span,.schemes span{color:var(--muted);font-size:.875rem}
.required{color:var(--delete);font-size:.75rem;font-weight:600}
.status{color:var(--get)}.s4,.s5{color:var(--delete)}.s3{color:var(--put)}
details>p{margin:.5rem 0;font-size:.9375rem}
pre{background:var(--soft);border:1px solid var(--line);border-radius:10px;padding:1rem;overflow-x:auto;margin:1rem 0 0;
line-height:1.5;overflow-wrap:normal}
@media (min-width:64rem){
body{display:grid;grid-template-columns:17rem minmax(0,1fr)}
nav{position:sticky;top:0;height:100vh;max-height:none;border-bottom:0;border-right:1px solid var(--line)}
main{width:100%;padding:2.5rem 2.5rem 6rem}
}
"""
