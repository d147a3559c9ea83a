/** The page's look; light and dark. Colours of plots are classes so that both fit. */
export const STYLE = `
:root{
  --bg:#fbfbfa;--ink:#1d2733;--soft:#66717f;--line:#e3e6ea;--card:#fff;--a:#0b6e99;--b:#d1495b;
  --c:#8a97a6;--d:#3a8f5c;
}
@media(prefers-color-scheme:dark){
:root{
  --bg:#14181d;--ink:#e6eaef;--soft:#93a0ad;--line:#2a323b;--card:#1b2128;--a:#53b3dd;--b:#ef7d8b;
  --c:#7b8896;--d:#6fc490;
}
}
*{box-sizing:border-box}
body{
  margin:0;background:var(--bg);color:var(--ink);
  font:15px/1.5 system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;
}
main{max-width:1560px;margin:0 auto;padding:36px 28px 60px}
h1{font-size:26px;margin:0;letter-spacing:-.01em}
h2{font-size:17px;margin:36px 0 12px}
header p{margin:4px 0 0;color:var(--soft)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:24px 0}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px}
.card b{display:block;font-size:23px;font-variant-numeric:tabular-nums}
.card span{color:var(--soft);font-size:13px}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(460px,1fr));gap:16px}
figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 14px 6px}
figcaption{display:flex;flex-wrap:wrap;gap:4px 12px;align-items:baseline;margin-bottom:6px}
figcaption i{color:var(--soft);font-style:normal;font-size:13px;margin-right:auto}
.wide{grid-column:1/-1}
.wide .tick{font-size:15px}
svg{width:100%;height:auto;display:block}
.grid{stroke:var(--line)}
.tick{fill:var(--soft);font-size:11px}
.tick.y{text-anchor:end}
.tick.x{text-anchor:middle}
.line{fill:none;stroke-width:1.6;stroke:currentColor}
.area{stroke:none;fill:currentColor;opacity:.12}
.a{color:var(--a)}
.b{color:var(--b)}
.c{color:var(--c)}
.d{color:var(--d)}
.key{font-size:12px;color:var(--soft)}
.key::before{
  content:"";display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:5px;
  background:currentColor;
}
.key.a::before{background:var(--a)}
.key.b::before{background:var(--b)}
.key.c::before{background:var(--c)}
.key.d::before{background:var(--d)}
.h0{fill:#dfe8ef;--k:#dfe8ef}
.h1{fill:#b9d3e2;--k:#b9d3e2}
.h2{fill:#86b6cf;--k:#86b6cf}
.h3{fill:#4b93b8;--k:#4b93b8}
.h4{fill:#1f6f99;--k:#1f6f99}
.h5{fill:#0a4766;--k:#0a4766}
.h6{fill:#d1495b;--k:#d1495b}
.key[class*=" h"]::before{background:var(--k)}
table{
  border-collapse:collapse;background:var(--card);border:1px solid var(--line);border-radius:10px;
  font-variant-numeric:tabular-nums;
}
td,th{padding:6px 14px;text-align:right;border-bottom:1px solid var(--line)}
td:first-child,th:first-child{text-align:left}
th{font-weight:600;font-size:13px;color:var(--soft)}
ol{padding-left:30px;margin:0;max-width:90ch}
li{margin:4px 0}`;
