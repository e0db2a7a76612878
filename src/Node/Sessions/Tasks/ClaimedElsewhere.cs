using Backhaul.Node.Journal;

namespace Backhaul.Node.Sessions;

/// <summary>Which destinations tasks of other sessions own, as far as it was looked up before deciding. What it does not know is free: the append decides.</summary>
internal sealed class ClaimedElsewhere
{
    public static readonly ClaimedElsewhere Nothing = new([]);

    private readonly Dictionary<Destination, DestinationClaim> _claims;

    public ClaimedElsewhere(IEnumerable<DestinationClaim> claims) => _claims = claims.ToDictionary(claim => claim.Destination);

    public DestinationClaim? Find(Destination destination) => _claims.GetValueOrDefault(destination);
}
