import json, sys, time, itertools
import httpx, pytest
from tests.processes import *
from tests.journeys.wire import *
from tests.journeys.recorder import recording, answer
CFG = """
models: [{name: sim, provider: simulated/echo}]
services: {database: %s}
"""
VALUES = ["", "\x00", "a\x00b", "x"*70000, "x"*300, "😀", "\ud800", "\u2028", "../../etc/passwd", "Europe", "/etc/passwd", "a'b\"; DROP TABLE api_key;--", "%00", "\r\nx: y",
  None, True, 0, -1, 10**30, 1e308, [], {}, [[]], {"a": 1}, ["a"]*300, [None], "٣", "posix", "localtime", "US", "ＡＢＣ", "İ", "2099-01-01T00:00:00Z","9999-12-31T23:59:59Z", -62135596800, 253402300799, "1e400", "nan"]
FIELDS = {"/admin/organizations": ["name","id","time_zone","status"], "/admin/users": ["name","organization","role"], "/admin/keys": ["organization","kind","role","user","label","labels","models","expires_at"],
  "/providers/config": ["provider","api_key","enabled","base_url"], "/admin/keys/ID/rotate": ["overlap_seconds"]}
BASE = {"/admin/organizations": {"name":"N"}, "/admin/users": {"name":"u"}, "/admin/keys": {}, "/providers/config": {"provider":"openai","api_key":"sk-123456789"}, "/admin/keys/ID/rotate": {}}
RAW = [b"", b"{", b"\xff\xfe", b'"\\ud800"', b'{"name":"\\ud800"}', b'{"name":"\\u0000"}', b"["*100000, b'{"a":'*50000, b"1"*5000, b'{"name":' + b"9"*10000 + b"}", b"null", b"NaN", b'{"name":NaN}', b"\x00", b"\xef\xbb\xbf{}", b'{"name":"a","name":"b"}', b'{"":1}', b'{"\\u0000":1}', b'{"\\ud800":1}', b"{}"+b" "*70000]
IDS = ["", "%00", "%ff", "..", "%2e%2e", "a%2fb", "x"*300, "x"*5000, "%f0%9f%98%80", "'", "%27%20or%201=1", "acme%0a", "ACME", "acme%20", "%ed%a0%80"]
QUERIES = ["organization=%00", "organization=%ff", "organization=", "organization=acme&organization=globex", "organization=acme&organization=acme", "Organization=globex", "organization=ACME", "organization=acme%00", "organization=a%CC%81", "organization=%F0%9F%98%80", "organization=" + "x"*5000, "organization=globex", "organisation=globex", "organization[]=globex", "organization=acme;organization=globex", "organization=%61cme", "org%61nization=globex", "organization=acme%20", "limit=0","limit=-1","limit=1001","limit=1e9","limit=999999999999999999999","limit=%00","after=%00","after=%ff","after="+"x"*300, "limit=1&limit=2", "group_by=%00","group_by=day,model","start_date=%00","start_date=0001-01-01","end_date=9999-12-31","end_date=0001-01-01","start_date=2026-13-45","group_by=organization","&&&==", "%", "%zz", "organization=%ed%a0%80"]
def test_hostile(database_url, tmp_path):
    bad=[]
    with gateway(CFG % json.dumps(database_url), tmp_path, "--log-level","debug") as one, one.client(key=ADMIN_KEY) as root:
        for n in ("acme","globex"): assert root.post("/admin/organizations", json={"id":n,"name":n}).status_code==201
        key = root.post("/admin/keys", json={"organization":"acme","role":"admin"}).json()
        gk = root.post("/admin/keys", json={"organization":"globex","role":"admin"}).json()
        user = root.post("/admin/users", json={"organization":"acme","name":"ada"}).json()
        clients = {"root": root, "acme": one.client(key=key["secret"])}
        n=0
        def see(what, r):
            nonlocal n
            n+=1
            if r.status_code>=500 or "globex" in r.text and "acme" in what:
                bad.append((what, r.status_code, r.text[:200]))
        for who,c in clients.items():
            for path, fields in FIELDS.items():
                p = path.replace("ID", key["id"])
                if "rotate" in p: p = "/admin/keys/"+gk["id"]+"/rotate" if who=="root" else "/admin/keys/xx/rotate"
                q = {"organization":"acme"} if who=="root" and "providers" in p else None
                for raw in RAW:
                    see(f"{who} POST {p} raw {raw[:20]!r}", c.post(p, content=raw, params=q))
                    see(f"{who} PATCH raw {raw[:20]!r}", c.patch("/admin/keys/"+(gk["id"]), content=raw))
                    see(f"{who} PATCH raw {raw[:20]!r}", c.patch("/admin/users/"+(user["id"]), content=raw))
                for f in fields:
                    for v in VALUES:
                        body = {**BASE[path], f: v}
                        r = c.post(p, content=json.dumps(body), headers={"content-type":"application/json"}, params=q)
                        see(f"{who} POST {p} {f}={str(v)[:20]!r}", r)
            for f in ("label","labels","role","models","expires_at"):
                for v in VALUES:
                    see(f"{who} PATCH key {f}={str(v)[:20]!r}", c.patch("/admin/keys/"+gk["id"], content=json.dumps({f:v})))
            for path in ("/admin/keys/","/admin/users/","/admin/organizations/","/v1/models/","/providers/config/"):
                for i in IDS:
                    for m in ("GET","PATCH","DELETE"):
                        see(f"{who} {m} {path}{i[:30]}", c.request(m, path+i, **({"json":{}} if m=="PATCH" else {})))
            for path in ("/admin/keys","/admin/users","/admin/organizations","/v1/models","/providers/config","/analytics/usage"):
                for q in QUERIES:
                    see(f"{who} GET {path}?{q[:40]}", c.get(path+"?"+q))
            for q in QUERIES+["provider=%00","provider=","provider=a&provider=b"]:
                see(f"{who} DELETE prov ?{q[:40]}", c.delete("/providers/config?"+q+("&organization=acme" if who=="root" else "")))
            for m in ("HEAD","OPTIONS","TRACE","PUT","FOO"):
                for path in ("/admin/keys","/v1/chat/completions","/v1/models","/providers/config","/analytics/usage","/health","/nothing"):
                    r = c.request(m, path); see(f"{who} {m} {path}", r); print(who, m, path, r.status_code, r.headers.get("allow"))
        assert root.get("/v1/models").status_code==200
        k2 = root.post("/admin/keys", json={"organization":"acme","role":"member"}).json()["secret"]
        with one.client(key=k2) as c:
            for v in VALUES:
                see(f"chat user {str(v)[:20]!r}", c.post(CHAT, content=json.dumps({**HELLO,"user":v})))
                see(f"chat model {str(v)[:20]!r}", c.post(CHAT, content=json.dumps({**HELLO,"model":v})))
            for t in ["a=b","a=\xff".encode("latin-1"), b"a=\x01", b"=", b"a", b"a="+b"x"*9000, b"a=b,"*100]:
                see(f"tags {t[:10]!r}", c.post(CHAT, json=HELLO, headers={"x-cognitude-tags": t}))
        time.sleep(2)
        h = root.get("/health").json(); print(h["database"], h["ledger"])
        u = root.get("/analytics/usage?group_by=user"); print(u.status_code, u.text[:500])
        log = one.text()
        print(n, "requests"); 
        for s in (key["secret"], gk["secret"], k2, KEY, ADMIN_KEY): assert s[-30:] not in log
        print(log[-3000:])
        print("TRACEBACKS", log.count("Traceback"))
    for b in bad: print("BAD", b)
    assert not bad
