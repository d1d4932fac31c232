namespace Kumoi.Benchmarks.Figures;

/// <summary>Tells whoever waits what is measured now.</summary>
public static class Steps
{
    public static void Say(string text) => Console.Error.WriteLine($"{DateTime.UtcNow:HH:mm:ss} {text}");
}
