using Backhaul.Node.Delivery;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>One attempt to send one webhook, as the session's state asks for it.</summary>
/// <param name="Target">What it is for.</param>
/// <param name="Key">What it is about: of a push the position it goes on from, which names the next event.</param>
/// <param name="Attempt">1 for the first. With the key it tells late reports from those of the present attempt.</param>
internal sealed record WebhookOrder(WebhookTarget Target, long Key, int Attempt)
{
    /// <summary>Of what it is sent to: after a change of that the answer is not for the present one.</summary>
    public int Version { get; init; }

    /// <summary>The name of the child that carries it out; those of attempts at tasks have an @ in them.</summary>
    public string ChildName => $"webhook-{Target}-{Version}-{Key}-{Attempt}";
}

/// <summary>An order with what its child needs of the session, taken in the session's turn: the child runs beside it.</summary>
/// <param name="Order">The order.</param>
/// <param name="Configuration">In force.</param>
/// <param name="Through">Of a push: no event behind this one is looked at.</param>
/// <param name="Launch">Of an order to launch.</param>
internal sealed record WebhookBrief(WebhookOrder Order, SessionConfiguration Configuration, long Through, LaunchRun? Launch)
{
    /// <summary>Of an order to notify, with the secret that signs it now.</summary>
    public Notification? Notification { get; init; }
}

/// <summary>What became of an order.</summary>
/// <param name="Order">The order.</param>
/// <param name="Number">Of the event that was sent, or when there was none that is wanted, the last one that was looked at.</param>
/// <param name="Answer">Null: there was nothing to send.</param>
internal sealed record WebhookReport(WebhookOrder Order, long Number, WebhookAnswer? Answer);
