"""Starts the core of a gateway process as the supervisor configures it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from settlement.channels.config import load_tills
from settlement.channels.registry import NO_TILLS
from settlement.channels.signer import Signer
from settlement.clock import Clock, system_clock
from settlement.demo.page import token_page, world_page
from settlement.keyring import Keyring
from settlement.region.config import read_decoders
from settlement.region.decoder import NO_DECODERS, Decoders
from settlement.region.evoucher import HttpDecoder
from settlement.region.hub_config import hub_file, read_hub
from settlement.serve.config import WorkerConfig
from settlement.serve.hub_office import HubOffice
from settlement.serve.import_desk import ImportDesk
from settlement.serve.service import Service, ServiceSettings
from settlement.storage.keyfile import KeyFile, key_file
from settlement.storage.platform_key import load_platform_key, platform_key_file


async def start_gateway(config: WorkerConfig, *, clock: Clock = system_clock) -> Service:
    """The service of a gateway process, as the supervisor configures it."""
    secrets = Path(config.data_dir) / "secrets"
    keyring = KeyFile(key_file(secrets, os.environ)).follow(asyncio.get_running_loop())
    tills, decoders = NO_TILLS, NO_DECODERS
    if config.channels_file:
        channels_file = Path(config.channels_file)
        tills = load_tills(channels_file, signer=Signer(), clock=clock)
        decoders = Decoders([HttpDecoder(one) for one in read_decoders(channels_file)])
    office = await _hub_office(config, keyring, clock)
    service = await Service.start(
        ServiceSettings(
            app_dsn=config.app_dsn, keyring=keyring, limits=config.limits, clock=clock,
            tills=tills, decoders=decoders, hub=None if office is None else office.line,
            platform_key=load_platform_key(platform_key_file(secrets, os.environ)),
        )
    )  # fmt: skip
    if office is not None:
        service.hub_office = office
        service.hub_door = office.door(lambda: service.hub_desk)
    service.import_office = ImportDesk(
        dsn=config.app_dsn, keyring=keyring, data_dir=Path(config.data_dir), limits=config.limits
    )
    service.resolve_payments()
    service.payments.hear_others()
    if config.demo:
        service.demo_token = token_page(config.app_dsn, keyring)
        service.demo_world = world_page(config.app_dsn, keyring, Path(config.data_dir))
    return service


async def _hub_office(
    config: WorkerConfig, keyring: Keyring, clock: Clock
) -> HubOffice | None:
    """What is known of other regions; None where there is no hub."""
    settings = read_hub(hub_file(Path(config.data_dir), os.environ))
    if settings is None:
        return None
    return await HubOffice.open(settings, dsn=config.app_dsn, keyring=keyring, clock=clock)
