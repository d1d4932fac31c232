using System.Diagnostics;
using Kumoi.Agent.Tests.Fakes;

namespace Kumoi.Agent.Tests.Launched;

/// <summary>The agent as a process of its own.</summary>
internal sealed class AgentProcess
{
    private readonly Process _process;
    private readonly System.Text.StringBuilder _said = new();

    public AgentProcess(Machine machine, string token)
    {
        var build = new DirectoryInfo(AppContext.BaseDirectory);
        var program = Path.Combine(build.FullName, "../../../../../src/Kumoi.Cli/bin", build.Parent!.Name, build.Name, "kumoi.dll");
        _process = Process.Start(new ProcessStartInfo("dotnet", [
            program, "agent", "--state", machine.State, "--tag", machine.Tag, "--run-directory", machine.Options.Paths.RunRoot, "--name", "host1", "--address", "127.0.0.1",
            "--join-token-file", token, "--accelerator", "tcg"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        _process.OutputDataReceived += (_, line) => Add(line.Data);
        _process.ErrorDataReceived += (_, line) => Add(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public Task SaysAsync(string words, TimeSpan limit) => Wait.ForAsync($"the agent to say '{words}'", () =>
    {
        lock (_said) return _said.ToString().Contains(words, StringComparison.Ordinal);
    }, limit);

    public string Said
    {
        get { lock (_said) return _said.ToString(); }
    }

    public async Task KillAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
    }

    private void Add(string? line)
    {
        lock (_said) _said.Append(line).Append('\n');
    }
}
