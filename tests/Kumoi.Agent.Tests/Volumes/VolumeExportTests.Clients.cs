using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Volumes;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Agent.Volumes.Exports;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Volumes;

/// <summary>Those that have volumes of other hosts.</summary>
public sealed partial class VolumeExportTests
{
    private string[] Target(int port, string? key)
    {
        if (_protocol == VolumeProtocols.Iscsi)
        {
            var target = $"driver=iscsi,transport=tcp,portal=127.0.0.1:{port},target=iqn.2026-11.cloud.kumoi:{_volume.Id},lun=1,initiator-name=iqn.2026-11.cloud.kumoi:{_volume.Export!.InstanceId}:{_volume.Export.Incarnation}";
            if (key is null) return ["--image-opts", target];
            var secret = Path.Combine(_machine.State, $"key-{key[0]}");
            File.WriteAllText(secret, key);
            return ["--object", $"secret,id=key,file={secret}", "--image-opts", target + ",user=kumoi,password-secret=key"];
        }
        const string Common = "driver=nbd,server.type=inet,server.host=127.0.0.1,export=vol-19a3f2b4c5d6e0001,reconnect-delay=5";
        if (key is null) return ["--image-opts", $"{Common},server.port={port}"];
        var keys = Directory.CreateDirectory(Path.Combine(_machine.State, $"keys-{key[0]}")).FullName;
        File.WriteAllText(Path.Combine(keys, "keys.psk"), $"kumoi:{key}\n");
        return ["--object", $"tls-creds-psk,id=tls,endpoint=client,username=kumoi,dir={keys}", "--image-opts", $"{Common},server.port={port},tls-creds=tls"];
    }

    private async Task<string> AskAsync(int port, string? key, params string[] commands) => (await Machine.RunAsync("qemu-io", [.. commands.SelectMany(command => new[] { "-c", command }), .. Target(port, key)])).Output;

    private Console Connect(int port, string key) => new(Process.Start(new ProcessStartInfo("stdbuf", ["-o0", "qemu-io", .. Target(port, key)]) { RedirectStandardInput = true, RedirectStandardOutput = true })!);

    /// <summary>A qemu-io that stays.</summary>
    private sealed class Console(Process process) : IDisposable
    {
        private bool _asked;

        public async Task SayAsync(string command, string answer)
        {
            if (!_asked) await ReadAsync();
            _asked = true;
            // One line at a time: it looks no further than the first that it has been given.
            await process.StandardInput.WriteLineAsync(command);
            await process.StandardInput.FlushAsync();
            var said = await ReadAsync();
            Assert.Contains(answer, said, StringComparison.Ordinal);
            Assert.DoesNotContain("verification failed", said, StringComparison.Ordinal);
        }

        /// <summary>What it says until it asks for the next command.</summary>
        private async Task<string> ReadAsync()
        {
            var said = "";
            var buffer = new char[4096];
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            while (!said.EndsWith("qemu-io> ", StringComparison.Ordinal))
            {
                var read = await process.StandardOutput.ReadAsync(buffer, limit.Token);
                said += read > 0 ? new string(buffer, 0, read) : throw new IOException($"It ended after: {said}");
            }
            return said;
        }

        public void Dispose()
        {
            process.Kill();
            process.Dispose();
        }
    }
}
