# Does for a formula what Homebrew does, as far as the one here asks for it:
#
#   ruby formula.rb FORMULA ARCH ARCHIVE PREFIX
#
# Holds the archive against the digest for that processor, unpacks it, installs it, and prints what the formula says as JSON.
require "digest"
require "fileutils"
require "json"
require "pathname"
require "tmpdir"

class Pathname
  def install(*paths)
    mkpath
    paths.flatten.each { |path| FileUtils.mv(path, self) }
  end

  def install_symlink(*targets)
    mkpath
    targets.each { |target| FileUtils.ln_s(target, self / File.basename(target)) }
  end
end

class Formula
  class << self
    def said
      @said ||= { "archives" => {} }
    end

    %w[desc homepage version license].each do |word|
      define_method(word) { |value| said[word] = value }
    end

    def depends_on(what)
      (said["depends_on"] ||= []) << what
    end

    def on_intel(&block) = on("x64", &block)
    def on_arm(&block) = on("arm64", &block)

    def on(arch)
      @arch = arch
      said["archives"][arch] = {}
      yield
    end

    def url(value) = said["archives"][@arch]["url"] = value
    def sha256(value) = said["archives"][@arch]["sha256"] = value
    def service(&block) = said["service"] = Service.new.tap { |one| one.instance_eval(&block) }.command
    def test(&block) = block
  end

  class Service
    attr_reader :command

    def opt_bin = Pathname("/opt/bin")
    def keep_alive(_always) = nil
    def run(command) = @command = command.map(&:to_s)
  end

  attr_reader :prefix

  def initialize(prefix) = @prefix = Pathname(prefix)
  def bin = prefix / "bin"
  def libexec = prefix / "libexec"
  def man1 = prefix / "share/man/man1"
  def doc = prefix / "share/doc/cortex-node"
end

formula, arch, archive, prefix = ARGV
load formula
said = CortexNode.said
digest = Digest::SHA256.file(archive).hexdigest
abort "the archive is #{digest}" unless digest == said.dig("archives", arch, "sha256")
Dir.mktmpdir do |folder|
  system("tar", "-xzf", archive, "-C", folder, "--strip-components=1", exception: true)
  Dir.chdir(folder) { CortexNode.new(prefix).install }
end
puts JSON.generate(said)
