"""E-mail by SMTP, over TLS that is never given up silently."""

from __future__ import annotations

import asyncio
import re
import ssl
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from hooks import Message, Outbound, Receipt, Unreachable

from .receipts import unreached

if TYPE_CHECKING:
    import socket

    from aiosmtplib import SMTP

_GOODBYE_SECONDS: Final = 1.0
_SECONDS: Final = 25.0
_PORTS: Final = {"starttls": 587, "implicit": 465, "none": 25}
# RFC 5321, 4.1.2, without quoted local parts and address literals.
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS: Final = rf"^{_ATOM}(\.{_ATOM})*@{_LABEL}(\.{_LABEL})*$"
_HOST: Final = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?|[0-9A-Fa-f:.]{{2,45}}")

MailAddress = Annotated[str, Field(max_length=254, pattern=_ADDRESS)]


class Email:
    goes_to: ClassVar = ("host", "port")
    along: ClassVar = ("password",)

    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)

        host: str = Field(min_length=1, max_length=253, description="The mail server.")
        port: int | None = Field(
            default=None, ge=1, le=65535, description="587 for starttls, 465 for implicit, 25 for none, if not said."
        )
        tls: Literal["starttls", "implicit", "none"] = Field(
            default="starttls",
            description="How the connection is made safe: it is not used where that fails, nor where the server's "
            "certificate is not for its host. With none everybody on the way can read it, and no password is sent.",
        )
        username: str | None = Field(default=None, min_length=1, max_length=256, description="To log in with.")
        password: SecretStr | None = Field(default=None, description="To log in with.")
        sender: MailAddress = Field(alias="from", description="The address that mails come from.")
        to: Annotated[tuple[MailAddress, ...], Field(min_length=1, max_length=50)] = Field(
            description="The addresses that they are sent to."
        )
        ca_file: Path | None = Field(
            default=None,
            json_schema_extra={"declared_only": True},
            description="A file with the certificates to trust instead of the system's.",
        )

        @model_validator(mode="after")
        def _consistent(self) -> Email.Config:
            if not _HOST.fullmatch(self.host):
                raise ValueError("host: must be the name or the IP address of a mail server")
            if (self.username is None) != (self.password is None):
                raise ValueError("username and password go together")
            if self.tls == "none" and self.username is not None:
                raise ValueError("with tls: none no password is sent: leave username and password out")
            return self

    def __init__(self, config: Config) -> None:
        self._config = config

    async def send(self, message: Message, outbound: Outbound, *, now: datetime) -> Receipt:
        import aiosmtplib

        try:
            async with asyncio.timeout(_SECONDS):
                return await self._deliver(message, outbound)
        except Unreachable as error:
            return unreached(error)
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [one.code for one in error.recipients]
            return _refused("all recipients were refused", max(codes), any(code < 500 for code in codes))
        except aiosmtplib.SMTPResponseException as error:
            return _refused(_STEPS.get(type(error).__name__, "the server refused"), error.code, error.code < 500)
        except ssl.SSLCertVerificationError as error:
            return _failed(f"tls: the server's certificate is not accepted: {error.verify_message}")
        except ssl.SSLError as error:
            return _failed(f"tls: {error.reason or 'the handshake failed'}")
        except TimeoutError:
            return _failed(f"timeout: the mail server did not take it within {_SECONDS:g} s")
        except (aiosmtplib.SMTPException, OSError) as error:
            return _of_cause(error)

    async def _deliver(self, message: Message, outbound: Outbound) -> Receipt:
        config = self._config
        port = config.port or _PORTS[config.tls]
        context = None if config.tls == "none" else await asyncio.to_thread(_context, config.ca_file)
        sock = await outbound.connect(config.host, port)
        try:
            client = self._client(sock, context)
            await client.connect()
        except BaseException:
            sock.close()
            raise
        try:
            return await self._talk(client, message)
        finally:
            client.close()

    def _client(self, sock: socket.socket, context: ssl.SSLContext | None) -> SMTP:
        from aiosmtplib import SMTP

        return SMTP(
            hostname=self._config.host,
            sock=sock,
            timeout=_SECONDS,
            use_tls=self._config.tls == "implicit",
            start_tls=False,
            tls_context=context,
            # The name of this machine is nobody's business.
            local_hostname=_literal(sock),
        )

    async def _talk(self, client: SMTP, message: Message) -> Receipt:
        import aiosmtplib

        from .mail import mail

        config = self._config
        await client.ehlo()
        if config.tls == "starttls":
            if not client.supports_extension("starttls"):
                return _failed("tls: the server offers no STARTTLS, and without it nothing is sent")
            await client.starttls()
        if config.username is not None and config.password is not None:
            await client.login(config.username, config.password.get_secret_value())
        made = mail(message, config.sender, config.to)
        refused, _ = await client.sendmail(config.sender, list(config.to), made.as_bytes())
        with suppress(aiosmtplib.SMTPException, OSError):
            # It has the mail: a server that does not say goodbye must not get it again.
            await client.quit(timeout=_GOODBYE_SECONDS)
        detail = "accepted"
        if refused:
            codes = ", ".join(sorted({str(one.code) for one in refused.values()}))
            detail += f", but {len(refused)} of {len(config.to)} recipients were refused ({codes})"
        return Receipt(delivered=True, detail=detail, status=250)


_STEPS: Final = {
    "SMTPAuthenticationError": "the login was refused",
    "SMTPSenderRefused": "the sender was refused",
    "SMTPDataError": "the message was refused",
    "SMTPConnectResponseError": "the connection was refused",
}


def _context(ca_file: Path | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))


def _literal(sock: socket.socket) -> str:
    address = str(sock.getsockname()[0])
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _refused(what: str, code: int, retry: bool) -> Receipt:
    """Not the server's words: they may be ours sent back."""
    return Receipt(delivered=False, detail=f"SMTP {code}: {what}", status=code, retry=retry)


def _failed(detail: str) -> Receipt:
    return Receipt(delivered=False, detail=detail)


def _of_cause(error: BaseException) -> Receipt:
    """The library wraps what went wrong below it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _failed(f"tls: the server's certificate is not accepted: {cause.verify_message}")
        if isinstance(cause, ssl.SSLError):
            return _failed(f"tls: {cause.reason or 'the handshake failed'}")
        cause = cause.__cause__ or cause.__context__
    return _failed(f"connection: {type(error).__name__}")
