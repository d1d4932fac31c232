namespace Kumoi.Agent.LoadBalancers;

/// <summary>Why a member does not work, whoever has asked it.</summary>
public static class HealthReasons
{
    public const string NoAnswer = "no answer in time", Refused = "the connection is refused", SilentAfterConnecting = "connected, and then no answer in time",
        NotHttp = "what it answers is not HTTP", Failed = "the check failed";

    public static string Status(string code) => $"it answers with status {code}";
}
