using System.CommandLine;

namespace Kumoi.Cli.Client;

/// <summary>How the metadata service answers a guest, as options of the commands that make and change instances.</summary>
public sealed class MetadataChoices
{
    private readonly Option<string?> _endpoint = Options.New<string?>("--metadata-endpoint"), _tokens = Options.New<string?>("--metadata-tokens"), _tags = Options.New<string?>("--metadata-tags");
    private readonly Option<int?> _hopLimit = Options.New<int?>("--metadata-hop-limit");

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_endpoint, _tokens, _hopLimit, _tags]) command.Options.Add(option);
    }

    public (string? Endpoint, string? Tokens, int? HopLimit, string? Tags) Of(ParseResult parsed) => (parsed.GetValue(_endpoint), parsed.GetValue(_tokens), parsed.GetValue(_hopLimit), parsed.GetValue(_tags));
}
