using Microsoft.Extensions.Logging;

namespace Kumoi.Simulation.Model;

/// <summary>What an agent says goes into the trace; an error that it did not expect is a finding.</summary>
internal sealed class ModelLog(Cloud cloud, string who) : ILogger
{
    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error || cloud.Trace.Kept;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (cloud.Trace.Kept) cloud.Trace.Note(who, $"says: {formatter(state, exception)}");
        // What the machine could not do is told as an error here and there, and was meant.
        if (logLevel >= LogLevel.Error && exception is not IOException) cloud.Checks.Violate("expected-errors", $"{who}: {formatter(state, exception)} {exception}");
    }

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
}
