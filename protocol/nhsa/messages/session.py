"""Sign-in and sign-out of an operator: 9001 签到, 9002 签退."""

from __future__ import annotations

from msgspec import Struct

from protocol.nhsa.envelope import Envelope
from protocol.nhsa.messages.text import (
    Need20,
    Need30,
)


class SignInNode(Struct, frozen=True, kw_only=True, gc=False):
    """签到信息"""

    opter_no: Need20  # 操作员编号
    mac: Need20  # 签到MAC地址
    ip: Need20  # 签到IP地址


class SignedIn(Struct, frozen=True, kw_only=True, gc=False):
    """签到结果"""

    sign_time: str  # 签到时间
    sign_no: str  # 签到编号


class SignOutNode(Struct, frozen=True, kw_only=True, gc=False):
    """签退信息"""

    sign_no: Need30  # 签到编号
    opter_no: Need20  # 操作员编号


class SignedOut(Struct, frozen=True, kw_only=True, gc=False):
    """签退结果"""

    sign_time: str  # 签退时间


class SignInInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `SignIn`."""

    signIn: SignInNode


class SignIn(Envelope, frozen=True, kw_only=True, gc=False):
    """9001 签到."""

    input: SignInInput


class SignInReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 9001."""

    signinoutb: SignedIn


class SignOutInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `SignOut`."""

    signOut: SignOutNode


class SignOut(Envelope, frozen=True, kw_only=True, gc=False):
    """9002 签退."""

    input: SignOutInput


class SignOutReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 9002. The text prints the node `sign_time`, clients read `signoutoutb`: both."""

    sign_time: SignedOut
    signoutoutb: SignedOut
