using Kumoi.Api.Agent;

namespace Kumoi.Agent;

/// <summary>
/// The last desired document, for everyone who compares with it. Null until one has come: then nothing is changed on the host.
/// </summary>
public sealed class AgentState
{
    private volatile DesiredDocument? _document;

    public DesiredDocument? Document => _document;

    /// <summary>Called with the new document after it was put in place.</summary>
    public event Action<DesiredDocument>? Changed;

    public void Replace(DesiredDocument document)
    {
        _document = document;
        Changed?.Invoke(document);
    }
}
