"""The container engine: docker, podman or buildah, whichever is there."""

from dataclasses import dataclass
from pathlib import Path

from creditrisk.core.errors import InputError
from creditrisk.workflow.programs import found, run_program, show_program

ENGINES = ("docker", "podman", "buildah")
INSTALL = "Install docker or podman, or name the one to use: make image ENGINE=podman."
LOOPBACK = ("localhost", "127.0.0.1")


@dataclass(frozen=True)
class Engine:
    """A container engine.

    Attributes:
        name: one of `ENGINES`.
    """

    name: str

    def build(self, arguments: list[str], context: Path) -> None:
        """Build an image; the steps are shown as they come.

        Args:
            arguments: those that all engines know.
            context: the folder with the files.
        """
        # Only buildah has to be asked to keep its layers for the next time.
        kept = ["--layers"] if self.name == "buildah" else []
        kept += ["--force-rm"] if self.name != "docker" else []
        # Without the time of the build, another machine builds the same layers, bit for bit, so a
        # registry that has them gets only the new ones. docker does it by its cache alone.
        same = ["--timestamp=0"] if self.name != "docker" else []
        command = [self.name, "build", *kept, *same, *arguments, str(context)]
        show_program(command, "build", "Correct what it names, then run make image again.")

    def has(self, image: str) -> bool:
        """Whether an image is in the engine's store."""
        form = "{{.Name}}:{{.Tag}}" if self.name == "buildah" else "{{.Repository}}:{{.Tag}}"
        names = run_program([self.name, "images", "--format", form], "images", INSTALL)
        return any(line.removeprefix("localhost/") == image for line in names.splitlines())

    def push(self, image: str, target: str, digest: Path) -> str:
        """Push an image.

        Args:
            image: its name in the engine's store.
            target: its name in the registry, with a tag.
            digest: a file that podman and buildah may write the digest to.

        Returns:
            The digest in the registry, `sha256:` and 64 hex digits.
        """
        registry = target.partition("/")[0]
        hint = f"Is {registry} right, and are you logged in (`{self.name} login {registry}`)?"
        if self.name == "docker":
            run_program([self.name, "tag", image, target], "tag", hint)
            run_program([self.name, "push", "--quiet", target], f"push to {registry}", hint)
            form = "{{range .RepoDigests}}{{println .}}{{end}}"
            known = run_program(
                [self.name, "image", "inspect", "--format", form, target], "inspect", hint
            )
            # docker leaves out its own registry's name.
            start = f"{target.rpartition(':')[0].removeprefix('docker.io/')}@"
            found = [
                line.removeprefix(start) for line in known.splitlines() if line.startswith(start)
            ]
            if not found:
                raise InputError(self.name, "inspect", f"no digest of {target}", hint)
            return found[0]
        # A registry on this machine is for trials and has no certificate.
        plain = ["--tls-verify=false"] if registry.rpartition(":")[0] in LOOPBACK else []
        kept = ["--digestfile", str(digest)]
        command = [self.name, "push", *plain, *kept, image, f"docker://{target}"]
        run_program(command, f"push to {registry}", hint)
        return digest.read_text().strip()


def find_engine(wanted: str | None) -> Engine:
    """Find an engine that works.

    Args:
        wanted: one of `ENGINES`; None for the first that works.

    Raises:
        InputError: there is none; with what the last one said.
    """
    if wanted and wanted not in ENGINES:
        raise InputError(
            "ENGINE", "value", f"{wanted} is not known", f"Known: {', '.join(ENGINES)}."
        )
    problem = f"none of {', '.join(ENGINES)} found on the PATH"
    for name in [wanted] if wanted else ENGINES:
        if not found(name):
            if wanted:
                problem = f"{wanted} not found on the PATH"
            continue
        try:
            # docker without its daemon is no engine.
            run_program([name, "info"], "info", "Start it.")
        except InputError as error:
            problem = f"{name} does not work: {error}"
            continue
        return Engine(name)
    raise InputError("ENGINE", "program", problem, INSTALL)


def find_runner(engine: Engine) -> str:
    """Return the program that runs images of an engine's store: buildah's are run by podman.

    Raises:
        InputError: there is none.
    """
    if engine.name != "buildah":
        return engine.name
    if not found("podman"):
        hint = "Install podman, which runs what buildah has built."
        raise InputError("ENGINE", "program", "buildah builds images, it does not run them", hint)
    return "podman"
