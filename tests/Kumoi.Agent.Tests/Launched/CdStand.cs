using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Kumoi.Agent.Images;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Tests.Launched;

/// <summary>A host with one guest and images of its own. Each step is taken by objects of its own, as by an agent that was killed in between.</summary>
internal sealed class CdStand : IAsyncDisposable
{
    public CdStand() => DurableFiles.MakeDirectory(Machine.Options.Paths.State, AgentModes.Passable);

    public Machine Machine { get; } = new("qemu");

    public DesiredInstance Record { get; set; } = Samples.Instance(24, "running") with { MemoryMib = 64, Interfaces = [] };

    public AgentPaths Paths => Machine.Options.Paths;

    public async Task<DesiredImage> KeepAsync(string id, string format, byte[] bytes, long virtualSize)
    {
        var image = new DesiredImage(id, Convert.ToHexStringLower(SHA256.HashData(bytes)), format, bytes.Length, virtualSize);
        await new ImageCache(Paths).FetchAsync(image, (_, _) => Task.FromResult(new HttpResponseMessage { Content = new ByteArrayContent(bytes) }), default);
        return image;
    }

    /// <summary>A CD that a guest can be started from.</summary>
    public Task<DesiredImage> CdAsync(int number, string words) => KeepAsync($"img-19a3f2b4c5d6e{number:x4}", ImageFormats.Iso, Kumoi.Testing.IsoImage.Bootable(words), 0);

    public async Task StartAsync(DesiredImage image, DesiredImage? cd, params CardIntent[] cards)
    {
        await OnceAsync(hypervisor => hypervisor.MakeDiskAsync(Record, image, default));
        await OnceAsync(hypervisor => hypervisor.StartAsync(Record, image, cards, [], cd, default));
        await OnceAsync(hypervisor => hypervisor.ResumeAsync(Record.Id, default));
    }

    public Task ChangeAsync(DesiredImage? image, bool force) => OnceAsync(hypervisor => hypervisor.ChangeCdAsync(Record.Id, image, force, default));

    public async Task<GuestCd?> CdOfAsync()
    {
        GuestCd? cd = null;
        await OnceAsync(async hypervisor => cd = (await hypervisor.ObserveAsync(Record.Id, default)).Process!.Cd);
        return cd;
    }

    public async Task OnceAsync(Func<QemuHypervisor, Task> step)
    {
        await using var hypervisor = new QemuHypervisor(Machine.Options, "tcg", null, new ImageCache(Paths), await Machine.VolumesAsync(null), new Commands(TimeProvider.System), TimeProvider.System);
        await step(hypervisor);
    }

    public Task PrintsAsync(string words) => Wait.ForAsync($"'{words}' on the serial line", () => Encoding.Latin1.GetString(ConsoleLogs.ReadTail(Paths.ConsoleLog(Record.Id), 65536)).Contains(words, StringComparison.Ordinal), TimeSpan.FromSeconds(60));

    public async Task<string> AskAsync(string command, JsonObject arguments)
    {
        await using var qmp = await QmpClient.ConnectAsync((await QemuGuest.ConnectAsync(Paths.Socket(Record.Id, "qmp"), default))!, TimeProvider.System, _ => { }, default);
        return await qmp.AskAsync(command, writer =>
        {
            foreach (var (name, value) in arguments)
            {
                writer.WritePropertyName(name);
                value!.WriteTo(writer);
            }
        }, answer => answer.GetRawText(), default);
    }

    public ValueTask DisposeAsync() => Machine.DisposeAsync();
}
