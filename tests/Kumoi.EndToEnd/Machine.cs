using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Kumoi.EndToEnd;

/// <summary>What a program said.</summary>
public sealed record Ran(int Code, string Output, string Error)
{
    public string Ok => Code == 0 ? Output : throw new InvalidOperationException($"ended with {Code}\n{Output}\n{Error}");
}

/// <summary>Runs programs, and takes stock of everything on this machine that a cloud could leave behind.</summary>
public static partial class Machine
{
    public static async Task<Ran> RunAsync(string program, IEnumerable<string> arguments, IDictionary<string, string>? environment = null, string? input = null, int seconds = 600)
    {
        using var process = new Process { StartInfo = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true } };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) process.StartInfo.Environment[name] = value;
        process.Start();
        try
        {
            if (input is not null) await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading it; its code and its words tell why.
        }
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} took longer than {seconds} s\n{await output}\n{await error}");
        }
        return new Ran(process.ExitCode, await output, await error);
    }

    /// <summary>Starts a program and kills it, and whatever it runs at the moment, as soon as it has said so many lines on its standard error.</summary>
    public static async Task CutOffAsync(string program, IEnumerable<string> arguments, IDictionary<string, string> environment, int lines)
    {
        using var process = new Process { StartInfo = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true } };
        foreach (var (name, value) in environment) process.StartInfo.Environment[name] = value;
        process.Start();
        process.StandardInput.Close();
        for (var said = 0; said < lines && await process.StandardError.ReadLineAsync() is not null; said++)
        {
        }
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
    }

    public static async Task<string> SayAsync(string program, params string[] arguments) => (await RunAsync(program, arguments)).Ok;

    /// <summary>One line each for namespaces, links, nft tables, mounts, control groups, sockets' directories and processes of a cloud's kind.</summary>
    public static async Task<IReadOnlyList<string>> StockAsync(string mark, string ownTag)
    {
        var stock = new List<string>();
        stock.AddRange((await SayAsync("ip", "-brief", "link")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => "link " + line.Split([' ', '@'])[0]));
        stock.AddRange((await SayAsync("ip", "route")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => "route " + line.Trim()));
        stock.AddRange((await SayAsync("ip", "netns", "list")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => "netns " + line.Split(' ')[0]));
        stock.AddRange((await SayAsync("nft", "list", "tables")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => "nft " + line));
        stock.AddRange((await File.ReadAllLinesAsync("/proc/mounts")).Select(line => line.Split(' ')[1]).Where(path => path.StartsWith("/run/", StringComparison.Ordinal) || path.Contains(mark, StringComparison.Ordinal)).Select(path => "mount " + path));
        stock.AddRange(Directory.GetDirectories("/run", "kumoi-*").Select(d => "run " + d));
        stock.AddRange(Directory.Exists("/sys/fs/cgroup") ? Directory.GetDirectories("/sys/fs/cgroup", "kumoi-*", new EnumerationOptions { MaxRecursionDepth = 2, RecurseSubdirectories = true, IgnoreInaccessible = true }).Select(d => "cgroup " + d) : []);
        stock.Add("ip_forward " + (await File.ReadAllTextAsync("/proc/sys/net/ipv4/ip_forward")).Trim());
        stock.AddRange(Processes(mark).Select(p => "process " + p.Command));
        // Other clouds of this machine live their own lives meanwhile, and so do tests of other suites: everything of theirs carries their tag, or is a namespace that begins with kt or kf.
        return [.. stock.Where(line => !Foreign().IsMatch(line) || line.Contains(ownTag, StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal)];
    }

    [GeneratedRegex(@"\b(?:kumoi[-_]|fence_)[0-9a-f]{6}|\b[bks][0-9a-f]{6}\b|(?:^netns |/netns/)k[tf]")]
    private static partial Regex Foreign();

    /// <summary>Processes whose command line has this text in it.</summary>
    public static IReadOnlyList<(int Id, string Command)> Processes(string mark)
    {
        var found = new List<(int, string)>();
        foreach (var directory in Directory.GetDirectories("/proc").Where(d => int.TryParse(Path.GetFileName(d), out _)))
        {
            try
            {
                var command = File.ReadAllText(Path.Combine(directory, "cmdline")).Replace('\0', ' ').Trim();
                if (command.Contains(mark, StringComparison.Ordinal)) found.Add((int.Parse(Path.GetFileName(directory), CultureInfo.InvariantCulture), command));
            }
            catch (IOException)
            {
                // It has ended meanwhile.
            }
        }
        return found;
    }

    public static Task KillAsync(int pid) => SayAsync("kill", "-KILL", pid.ToString(CultureInfo.InvariantCulture));
}
