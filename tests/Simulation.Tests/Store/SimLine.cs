namespace Backhaul.Simulation.Tests.Store;

/// <summary>The way between one machine and the database, both directions; it outlives the processes on the machine.</summary>
internal sealed class SimLine
{
    /// <summary>What is sent does not arrive, and nobody is told.</summary>
    public bool ToStoreCut { get; set; }

    /// <summary>What is answered does not arrive, and nobody is told: the transaction happened.</summary>
    public bool FromStoreCut { get; set; }

    /// <summary>How often a call goes wrong by itself.</summary>
    public double Trouble { get; set; }

    /// <summary>Added to the way there and to the way back, at most.</summary>
    public TimeSpan Slowness { get; set; }

    /// <summary>Notifications that get lost.</summary>
    public double SignalsLost { get; set; }

    public void Heal()
    {
        (ToStoreCut, FromStoreCut) = (false, false);
        (Trouble, Slowness, SignalsLost) = (0, TimeSpan.Zero, 0);
    }
}
