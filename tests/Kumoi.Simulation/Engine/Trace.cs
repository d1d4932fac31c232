using System.Globalization;
using System.Runtime.CompilerServices;

namespace Kumoi.Simulation.Engine;

/// <summary>What happened in a schedule, for people: written only when a schedule is run again to be read.</summary>
internal sealed class Trace(Simulator simulator, bool kept)
{
    private readonly List<string> _lines = [];

    public bool Kept { get; } = kept;

    public IReadOnlyList<string> Lines => _lines;

    public void Note(string who, [InterpolatedStringHandlerArgument("")] ref Sentence what)
    {
        if (Kept) _lines.Add(string.Create(CultureInfo.InvariantCulture, $"{simulator.Elapsed.TotalSeconds,9:0.000} {who,-10} {what.ToText()}"));
    }

    /// <summary>A text that is put together only if somebody will read it.</summary>
    [InterpolatedStringHandler]
    public ref struct Sentence
    {
        private DefaultInterpolatedStringHandler _inner;

        public Sentence(int literals, int holes, Trace trace, out bool wanted)
        {
            wanted = trace.Kept;
            _inner = wanted ? new DefaultInterpolatedStringHandler(literals, holes, CultureInfo.InvariantCulture) : default;
        }

        public void AppendLiteral(string text) => _inner.AppendLiteral(text);

        public void AppendFormatted<T>(T value) => _inner.AppendFormatted(value);

        public string ToText() => _inner.ToStringAndClear();
    }
}
