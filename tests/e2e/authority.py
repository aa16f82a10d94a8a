# SPDX-License-Identifier: Apache-2.0
"""A certificate authority for tests: certificates of any name and any time."""
import datetime
import os
import ssl
import subprocess
import tempfile

CONFIG = """
[ca]
default_ca = own
[own]
database = {folder}/index
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""


def stamp(days):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    return when.strftime("%Y%m%d%H%M%SZ")


class Authority:
    def __init__(self, name="Test Authority"):
        self.scratch = tempfile.TemporaryDirectory(prefix="authority-")
        self.folder = self.scratch.name
        os.chmod(self.folder, 0o755)
        for file, text in (("index", ""), ("serial", "1000\n"),
                           ("conf", CONFIG.format(folder=self.folder))):
            with open(self.path(file), "w") as f:
                f.write(text)
        self.key, self.pem = self.path("ca.key"), self.path("ca.pem")
        self.run("req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", self.key, "-out",
                 self.pem, "-days", "30", "-subj", "/CN=" + name)
        os.chmod(self.pem, 0o644)
        self.count = 0

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, *argv):
        subprocess.run(["openssl", *argv], check=True, capture_output=True)

    def issue(self, name="www.example.test", begin=-1, end=20, alone=False):
        """(certificate, key); begin and end in days from now; alone: self-signed."""
        self.count += 1
        base = self.path("c%d" % self.count)
        key, csr, pem, ext = (base + s for s in (".key", ".csr", ".pem", ".ext"))
        with open(ext, "w") as f:
            f.write("subjectAltName=DNS:%s\n" % name)
        self.run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                 "-nodes", "-keyout", key, "-out", csr, "-subj", "/CN=" + name)
        signer = ["-selfsign", "-keyfile", key] if alone else [
            "-cert", self.pem, "-keyfile", self.key]
        self.run("ca", "-batch", "-config", self.path("conf"), *signer, "-in", csr,
                 "-out", pem, "-startdate", stamp(begin), "-enddate", stamp(end),
                 "-extfile", ext, "-notext")
        return pem, key

    def context(self, client=None, **issue):
        """A server's; client: the PEM file of who must have signed its clients."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue(**issue))
        if client is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client)
        return context

    def close(self):
        self.scratch.cleanup()
