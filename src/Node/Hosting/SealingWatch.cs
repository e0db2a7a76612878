using Backhaul.Node.Security;

namespace Backhaul.Node.Hosting;

/// <summary>Seals with the key that the cluster seals with, as each reading of its documents says, and tells once when this node does not have it. Called by one reader at a time.</summary>
internal sealed class SealingWatch(SecretBox box, ILogger logger)
{
    private string? _missing;

    public void Note(string document, string payload)
    {
        if (document != SealingRecord.Name || SealingRecord.Read(payload) is not { } key)
            return;
        if (box.SealWith(key))
        {
            _missing = null;
            return;
        }
        if (_missing != key)
            logger.SealingKeyMissing(key);
        _missing = key;
    }
}
