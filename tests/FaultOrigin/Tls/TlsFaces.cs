using System.Globalization;
using System.Net;

namespace Backhaul.FaultOrigin.Tls;

/// <summary>Which face an address of the loopback network shows: its own, or one that it wears for a while.</summary>
internal sealed class TlsFaces
{
    /// <summary>The addresses that certificates name: those of the faces, and so many more for tests of their own.</summary>
    public const int AddressesMax = 120;

    private const int FirstReserved = 10;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (TlsFace Face, int Left)> _worn = new(StringComparer.Ordinal);
    private int _reserved = FirstReserved;

    public string Reserve()
    {
        var number = Interlocked.Increment(ref _reserved) - 1;
        if (number > AddressesMax)
            throw new InvalidOperationException("All addresses are taken.");
        return string.Create(CultureInfo.InvariantCulture, $"127.0.0.{number}");
    }

    public void Wear(string address, TlsFace face, int times)
    {
        lock (_lock)
            _worn[address] = (face, times);
    }

    /// <summary>Counts a handshake.</summary>
    public TlsFace Of(IPAddress address)
    {
        var own = (TlsFace)address.GetAddressBytes()[^1];
        lock (_lock)
        {
            if (!_worn.TryGetValue(address.ToString(), out var worn) || worn.Left == 0)
                return Enum.IsDefined(own) ? own : TlsFace.Good;
            _worn[address.ToString()] = (worn.Face, worn.Left - 1);
            return worn.Face;
        }
    }
}
