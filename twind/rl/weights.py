"""A policy's weights on disk: safetensors, never pickled.

A file is whole or absent: it is written beside its place, synced, renamed over it, and the folder
is synced too. Its metadata says which format and which network it is for; the hash that `save`
returns belongs in the database, and `load` checks it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors
import safetensors.torch
import torch

from twind import atomic
from twind.errors import ModelError

if TYPE_CHECKING:
    from twind.rl.policy import TwinPolicy

KEY = "twind"
"""The one key of the metadata. The library writes several in any order, and equal weights are to
make equal files."""
VERSION = 1
BASE = Path(__file__).parent / "data" / "base.safetensors"
"""The policy that ships: it serves anyone at once, and training starts from it."""


def save(policy: TwinPolicy, path: Path) -> str:
    """Write the policy's weights to `path` and return the file's SHA-256 (hex).

    Raises ModelError, naming the file, when it cannot be written; what was there before stays.
    """
    tensors = {name: value.contiguous() for name, value in policy.state_dict().items()}
    about = {"version": VERSION, "architecture": policy.architecture()}
    content = safetensors.torch.save(tensors, metadata={KEY: json.dumps(about, sort_keys=True)})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.replace(path, content)
    except OSError as error:
        raise ModelError(f"{path}: cannot be written: {error.strerror}") from error
    return hashlib.sha256(content).hexdigest()


def load(policy: TwinPolicy, path: Path, expected_sha256: str | None = None) -> str:
    """Read weights into the policy and return the file's SHA-256 (hex).

    Raises ModelError, naming the file, when it is missing, damaged, of another format or network,
    or not the file whose hash is expected; the policy is then as it was.
    """
    content = _read(path)
    digest = hashlib.sha256(content).hexdigest()
    if expected_sha256 is not None and digest != expected_sha256:
        raise ModelError(f"{path}: is not the file that was saved (its hash differs)")
    tensors, about = _parse(path, content)
    if about.get("version") != VERSION:
        raise ModelError(f"{path}: has format {about.get('version')}, this twind reads {VERSION}")
    if about.get("architecture") != policy.architecture():
        raise ModelError(f"{path}: is made for another network than this twind's")
    _check_tensors(path, tensors, policy.state_dict())
    policy.load_state_dict(tensors)
    return digest


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error


def _parse(path: Path, content: bytes) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    try:
        tensors = safetensors.torch.load(content)
    except (safetensors.SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise ModelError(f"{path}: is damaged or no safetensors file ({error})") from error
    # The header is one JSON object after its own length in eight little-endian bytes; the library
    # has just checked it and hands out no metadata from memory.
    size = int.from_bytes(content[:8], "little")
    metadata = json.loads(content[8 : 8 + size]).get("__metadata__") or {}
    try:
        about = json.loads(metadata.get(KEY, ""))
    except ValueError:
        about = None
    if not isinstance(about, dict):
        raise ModelError(f"{path}: holds no twind policy")
    return tensors, about


def _check_tensors(
    path: Path, found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]
) -> None:
    if found.keys() != wanted.keys():
        raise ModelError(f"{path}: holds other tensors than this network's")
    for name, tensor in found.items():
        if tensor.shape != wanted[name].shape or tensor.dtype != wanted[name].dtype:
            raise ModelError(f"{path}: {name} has another shape or type than this network's")
        if not torch.isfinite(tensor).all():
            raise ModelError(f"{path}: {name} holds values that are no numbers")
