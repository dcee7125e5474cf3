# Cortex node for Homebrew on Linux, with the Node.js that it runs on. Made by `npm run package`.
class CortexNode < Formula
  desc "Peer-to-peer market for containers: sell a machine, run jobs on others"
  homepage "@DOWNLOADS@"
  version "@VERSION@"
  license "Apache-2.0"

@ARCHIVES@
  depends_on :linux

  def install
    libexec.install "bin", "lib"
    bin.install_symlink libexec/"bin/cortex"
    man1.install "share/man/man1/cortex.1"
    doc.install Dir["share/doc/cortex-node/*"]
  end

  service do
    run [opt_bin/"cortex", "gateway"]
    keep_alive true
  end

  test do
    assert_equal version.to_s, shell_output("#{bin}/cortex --version").strip
  end
end
