using System.Globalization;
using System.Text;

namespace Kumoi.Benchmarks.Figures;

/// <summary>Writes figures as Markdown, for the terminal and for the page of the documentation alike.</summary>
public static class Report
{
    private const string End = "<!-- end of figures -->";

    public static string Markdown(MachineFacts machine, IReadOnlyList<Section> sections)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"Measured {machine.Date:yyyy-MM-dd HH:mm} UTC. {machine.Description} Load average after the run: {MachineFacts.Load()}.\n");
        foreach (var section in sections)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n**{section.Title}**\n\n| figure | unit | runs | median | p95 | p99 | min – max | goal |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |\n");
            foreach (var figure in section.Figures) text.Append(Line(figure)).Append('\n');
        }
        return text.ToString();
    }

    private static string Line(Figure figure)
    {
        string Number(double? value) => value?.ToString("N" + figure.Digits, CultureInfo.InvariantCulture) ?? "–";
        var sample = figure.Sample;
        return $"| {figure.Name} | {figure.Unit} | {sample.Count} | {Number(sample.Median)} | {Number(sample.P95)} | {Number(sample.P99)} | {Number(sample.Min)} – {Number(sample.Max)} | {Verdict(figure)} |";
    }

    private static string Verdict(Figure figure) => figure.Goal is not { } goal
        ? "" : string.Create(CultureInfo.InvariantCulture, $"{goal.Judged(figure.Sample).Name} < {goal.Limit}: {(goal.IsMet(figure.Sample) ? "met" : "**not met**")}");

    /// <summary>Puts the figures between the page's two markers of a program of bench/.</summary>
    public static void Write(string page, string program, string figures)
    {
        var text = File.ReadAllText(page);
        var begin = $"<!-- figures: written by bench/{program} --write -->";
        var from = text.IndexOf(begin, StringComparison.Ordinal);
        var to = from < 0 ? -1 : text.IndexOf(End, from, StringComparison.Ordinal);
        if (to < 0) throw new InvalidOperationException($"{page} lacks the lines '{begin}' and '{End}'.");
        File.WriteAllText(page, $"{text[..from]}{begin}\n{figures}\n{text[to..]}");
    }
}
